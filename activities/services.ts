/** What activities work with; the worker puts it together, tests put their own together. */
import type { Logger } from 'pino'
import type { Services } from '../environments/services.ts'
import type { ReportedRevision } from '../store/lost-revisions.ts'
import type { RotationTelemetry } from './observe.ts'

/** Milliseconds throughout. */
export interface RotationLimits {
  /** Transient failures of a target are tried again for this long. */
  targetBudget: number
  /** What a target may take for the one change; see RotatorContext. */
  changeTimeout: number
  /** Connecting, logging in, reading. */
  targetTimeout: number
  /** A verified credential is tested again when the commit comes later than this. */
  verifiedFor: number
  /** A scheduled run skips a path that was rotated more recently; 0 for no limit. */
  minRotationAge: number
  /** A manual run refuses one; 0 for no limit. */
  minManualAge: number
  /** When the failed paths of a scheduled run are tried again, each counted from the end of the try before. */
  retryAfter: readonly number[]
}

export interface ActivityServices {
  environments: Services
  limits: RotationLimits
  log: Logger
  /** Nothing is counted or traced when absent. */
  telemetry?: RotationTelemetry
  /** Names of the search attributes that Temporal knows; without it none are set. */
  searchAttributes?: () => readonly string[]
  /**
   * What runs that ended since then, or have not ended, say that they published; without it a store that was put back from
   * a backup is told by its credentials alone.
   */
  reported?: (since: Date) => Promise<ReportedRevision[]>
  /** Has the workflow of an environment look for waiting requests; without it they wait for the reconciler. */
  wake?: (environment: { environmentId: string; environmentName: string }) => Promise<void>
  /** Called between every two steps with the name of the place; does nothing but in the tests that kill there. */
  at(point: string): Promise<void>
}

export const DEFAULT_LIMITS: RotationLimits = {
  targetBudget: 120_000,
  changeTimeout: 5_000,
  targetTimeout: 10_000,
  verifiedFor: 15 * 60_000,
  minRotationAge: 30 * 60_000,
  minManualAge: 60_000,
  retryAfter: [10 * 60_000, 3_600_000, 6 * 3_600_000],
}
