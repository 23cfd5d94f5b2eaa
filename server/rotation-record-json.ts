/** Single rotations as operators see them: how far each came, what is left of it, and what can be done about that. Never a secret. */
import type { EnvironmentName } from '../model/environment-name.ts'
import { FAILURES, isFailureCode } from '../model/failures.ts'
import { formatEnvironmentName } from '../model/environment-name.ts'
import type { AnyRotator } from '../rotators/rotator.ts'
import type { RotationRecord, TimelineStep } from '../store/rotation-records.ts'

/** What is left to be decided: a value that Rekey chose, a key that the target made, or a key that nobody can name. */
export type Leftover = 'value' | 'key' | 'suspect'

export function leftoverOf(
  record: Pick<RotationRecord, 'unsettled' | 'credential'>,
  rotator: AnyRotator | undefined,
): Leftover | null {
  if (!record.unsettled) return null
  if (record.credential === null) return 'suspect'
  return rotator?.madeByTarget ? 'key' : 'value'
}

export function recordJson(record: RotationRecord, leftover: Leftover | null) {
  const { environment, event, failureCode, outcome } = record
  return {
    id: record.id,
    ...environmentJson(environment),
    environmentPath: record.path,
    rotator: record.rotator,
    targets: record.targets,
    eventID: record.eventId,
    action: event.action,
    trigger: event.trigger,
    userID: event.login,
    created: record.createdAt.toISOString(),
    step: record.step,
    status: outcome ?? 'in_progress',
    ...(failureCode !== null && { errorCode: failureCode }),
    ...(outcome !== null &&
      outcome !== 'succeeded' && {
        errorMessage:
          record.message ??
          (isFailureCode(failureCode) ? FAILURES[failureCode].words : 'the rotation failed'),
      }),
    ...(record.warnings.length > 0 && { warnings: record.warnings }),
    unsettled: record.unsettled,
    ...(leftover && { leftover }),
    ...(record.sentUntil && { landsUntil: record.sentUntil.toISOString() }),
    ...(record.sentUntil && record.settledAt && { settled: record.settledAt.toISOString() }),
    ...(record.sentUntil && record.settledBy !== null && { settledBy: record.settledBy }),
  }
}

export function environmentJson({
  organization,
  project,
  name,
  deletedAt,
}: EnvironmentName & { deletedAt: Date | null }) {
  return {
    organization,
    environment: formatEnvironmentName({ project, name }),
    ...(deletedAt && { environmentDeleted: deletedAt.toISOString() }),
  }
}

export function stepJson({ at, fence, step, code }: TimelineStep) {
  return { at: at.toISOString(), attempt: Number(fence), step, ...(code !== null && { code }) }
}
