/** Why a run begins: a due time where a schedule started it, else whatever waits in the store. */
import { workflowInfo } from '@temporalio/workflow'
import { defineSearchAttributeKey } from '@temporalio/common'
import type { Occasion } from '../activities/index.ts'
import type { RotateEnvironmentInput } from './messages.ts'

/** The due time, as Temporal notes it on every run that a schedule starts. */
const SCHEDULED_FOR = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME')

export function firstOccasion(input: RotateEnvironmentInput): Occasion {
  if (input.scheduleId === undefined) return { kind: 'requests' }
  const dueAt = input.dueAt ?? workflowInfo().typedSearchAttributes.get(SCHEDULED_FOR)?.toISOString()
  return dueAt === undefined
    ? { kind: 'requests' }
    : { kind: 'schedule', scheduleId: input.scheduleId, dueAt }
}
