/** Rotation events as the API tells them, and what people and scripts learn from them. */
import { EXIT } from './failure.ts'

export interface RotationEvent {
  id: string
  created: string
  completed?: string
  status: 'succeeded' | 'failed' | 'in_progress'
  trigger: string
  /** Absent for a rotation: `adopt`, `discard`, `undo` and the like. */
  action?: string
  userID: string
  preRotationRevision?: number
  postRotationRevision?: number
  errorMessage?: string
  errorCode?: string
  /** The event whose failed paths this one tried again. */
  retryOf?: string
  /** Which of the tries that follow a scheduled event by themselves. */
  retry?: number
  /** What follows by itself. */
  nextRetry?: NextRetry
  rotations: RotationResult[]
  skipped?: { environmentPath: string; reason: string; errorCode?: string; warnings?: string[] }[]
}

export interface NextRetry {
  number: number
  paths: string[]
  due: string
  status: 'waiting' | 'begun' | 'ended'
  /** Once begun. */
  event?: string
  /** Why it has ended. */
  message?: string
}

export interface RotationResult {
  environmentPath: string
  status: 'succeeded' | 'failed'
  errorMessage?: string
  errorCode?: string
  /** `unknown` where the API's own words know only `failed`. */
  outcome?: string
  warnings?: string[]
}

export interface Progress {
  environmentPath: string
  step: string
  status: string
}

export interface RotationAnswer {
  id: string
  secretRotationEvent: RotationEvent
  progress?: Progress[]
}

export interface PathOutcome {
  path: string
  outcome: 'succeeded' | 'failed' | 'skipped' | 'unknown'
  code: string
  message: string
  warnings: string[]
}

export function pathOutcomes({ rotations, skipped = [] }: RotationEvent): PathOutcome[] {
  const done = rotations.map(
    ({
      environmentPath,
      status,
      outcome,
      errorCode = '',
      errorMessage = '',
      warnings = [],
    }): PathOutcome => ({
      path: environmentPath,
      outcome: outcome === 'unknown' ? 'unknown' : status,
      code: errorCode,
      message: errorMessage,
      warnings,
    }),
  )
  const left = skipped.map(({ environmentPath, reason, errorCode = '', warnings = [] }): PathOutcome => ({
    path: environmentPath,
    outcome: 'skipped',
    code: errorCode,
    message: reason,
    warnings,
  }))
  return [...done, ...left]
}

export function exitCodeOf(event: RotationEvent): number {
  const outcomes = pathOutcomes(event)
  if (event.status === 'in_progress' || outcomes.some(({ outcome }) => outcome === 'unknown'))
    return EXIT.rotationUnknown
  return event.status === 'failed' ? EXIT.rotationFailed : EXIT.succeeded
}
