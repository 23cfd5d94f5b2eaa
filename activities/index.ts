/**
 * What the workflow calls. Activities load, act and record; they take and give ids, paths and codes, never a secret
 * and never words: those are in the store.
 */
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity'
import { commitRevision, type CommitInput, type CommitResult } from './commit-revision.ts'
import { guarded } from './guarded.ts'
import { offerAttributes } from './offer-attributes.ts'
import { inActivity, observeStep } from './observe.ts'
import { rehearseRotations, type RehearsalCounts, type RehearsalInput } from './rehearse-rotations.ts'
import { planRotation, type Plan, type PlanInput } from './plan-rotation.ts'
import { rotateSecret, type PathResult, type RotateInput } from './rotate-secret.ts'
import type { ActivityServices } from './services.ts'
import { sweepUnsettled, type SweepResult } from './sweep-unsettled.ts'

export type { CommitInput, CommitResult } from './commit-revision.ts'
export type { Occasion, Plan, PlanInput, PlannedRotation } from './plan-rotation.ts'
export type { PathResult, RotateInput } from './rotate-secret.ts'
export type { ActivityServices } from './services.ts'
export type { RehearsalCounts, RehearsalInput } from './rehearse-rotations.ts'
export type { SweepResult } from './sweep-unsettled.ts'

export interface Activities {
  planRotation(input: PlanInput): Promise<Plan>
  rotateSecret(input: RotateInput): Promise<PathResult>
  commitRevision(input: CommitInput): Promise<CommitResult>
}

/** What the sweeper's workflow calls. */
export interface SweepActivities {
  sweepUnsettled(): Promise<SweepResult>
}

/** What the workflow of a dry run calls. */
export interface RehearsalActivities {
  rehearseRotations(input: RehearsalInput): Promise<RehearsalCounts>
}

const HEARTBEAT_EVERY_MS = 4_000

export function createActivities(
  services: ActivityServices,
): Activities & SweepActivities & RehearsalActivities {
  const offer = offerAttributes(services.searchAttributes ?? (() => []))
  return {
    planRotation: (input) => {
      const { environmentId } = input
      const ours = inActivity(services, 'plan', { environmentId })
      return guarded(ours, 'plan', async () => {
        const plan = await observeStep(ours, 'plan', { environmentId }, () => planRotation(ours, input))
        const step = plan.kind === 'event' ? plan.eventId : plan.refused?.at(-1)?.eventId
        if (step === undefined) return plan
        return { ...plan, searchAttributes: offer(input.runId, `plan/${step}`) }
      })
    },
    commitRevision: (input) => {
      const { environmentId, eventId } = input
      const ours = inActivity(services, 'commit', { environmentId, eventId })
      return guarded(ours, 'commit', async () => {
        const result = await observeStep(ours, 'commit', { environmentId, eventId }, () =>
          commitRevision(ours, input),
        )
        if (result.kind !== 'committed') return result
        return { ...result, searchAttributes: offer(input.runId, `commit/${input.eventId}`) }
      })
    },
    sweepUnsettled: () =>
      guarded(services, 'sweep', () => beating(() => sweepUnsettled(inActivity(services, 'sweep', {})))),
    rotateSecret: (input) => {
      const ours = inActivity(services, 'rotate', { rotationId: input.rotationId })
      return guarded(ours, 'rotate', async () => {
        const info = { signal: cancellationSignal(), number: activityInfo().attempt }
        return await beating(() => rotateSecret(ours, input, info))
      })
    },
    rehearseRotations: (input) => {
      const ours = inActivity(services, 'rehearse', {})
      return guarded(ours, 'rehearse', () =>
        beating(() => rehearseRotations(ours, input, cancellationSignal())),
      )
    },
  }
}

/** A stopped process beats no more: that is how Temporal knows to let another worker go on. */
async function beating<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(), HEARTBEAT_EVERY_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
