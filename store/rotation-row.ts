/** A row of the journal, as the rest of Rekey sees it: its shape and where it comes from. No statements. */
import type { Selectable } from 'kysely'
import type { RotationOutcome } from '../model/outcomes.ts'
import type { PreviousFrom, RotationsTable, RotationStep } from './tables.ts'

export interface Rotation {
  id: string
  eventId: string
  environmentId: string
  path: string
  rotator: string
  targets: string[]
  /** Rotations of the same event whose credential the inputs of this one use. */
  dependsOn: string[]
  step: RotationStep
  outcome: RotationOutcome | null
  failureCode: string | null
  message: string | null
  warnings: string[]
  fence: string
  /** Sealed: what is to be sent. */
  prepared: Buffer | null
  /** Sealed: the new credential. */
  credential: Buffer | null
  /** Which slot of the published state becomes previous with it. */
  previousFrom: PreviousFrom
  /** Sealed: values that the target refused. */
  burnt: Buffer | null
  burntCount: number
  /** Until then a change that was sent may still land. */
  sentUntil: Date | null
  verifiedAt: Date | null
  settledAt: Date | null
  /** Milliseconds of transient failures so far. */
  budgetUsed: number
}

/** By name, so that the statements with them can be prepared. */
export const ROTATION_COLUMNS = [
  'id',
  'event_id',
  'environment_id',
  'path',
  'rotator',
  'targets',
  'depends_on',
  'step',
  'outcome',
  'failure_code',
  'message',
  'warnings',
  'fence',
  'prepared',
  'credential',
  'burnt',
  'burnt_count',
  'sent_until',
  'verified_at',
  'settled_at',
  'previous_from',
  'budget_used_ms',
] as const

type Row = Pick<Selectable<RotationsTable>, (typeof ROTATION_COLUMNS)[number]>

export function toRotation(row: Row): Rotation {
  return {
    id: row.id,
    eventId: row.event_id,
    environmentId: row.environment_id,
    path: row.path,
    rotator: row.rotator,
    targets: row.targets,
    dependsOn: row.depends_on,
    step: row.step,
    outcome: row.outcome,
    failureCode: row.failure_code,
    message: row.message,
    warnings: row.warnings,
    fence: row.fence,
    prepared: row.prepared,
    credential: row.credential,
    previousFrom: row.previous_from,
    burnt: row.burnt,
    burntCount: row.burnt_count,
    sentUntil: row.sent_until,
    verifiedAt: row.verified_at,
    settledAt: row.settled_at,
    budgetUsed: row.budget_used_ms,
  }
}
