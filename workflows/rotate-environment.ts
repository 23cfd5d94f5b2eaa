/**
 * The story of a rotation: plan, rotate each path, commit, and again while requests wait. It decides only when;
 * what is true is in the store, so a run may be started, reset, doubled or killed without harm.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities, Occasion, Plan, PlannedRotation } from '../activities/index.ts'
import { ATTEMPT_LIMIT } from '../model/attempt-limit.ts'
import { firstOccasion } from './first-occasion.ts'
import {
  requestRotation,
  rotateNow,
  type EventSummary,
  type RotateEnvironmentInput,
  type RotateEnvironmentResult,
} from './messages.ts'
import { oneLine } from './operator-texts.ts'
import { trackProgress } from './progress.ts'
import { rotateAll } from './rotate-all.ts'

/** A worker that says nothing for this long is replaced. */
const HEARTBEAT_MS = 20_000
/** Paths of one environment that rotate at the same time. */
const CONCURRENCY = 40
/** Between attempts; the target's own two minutes are counted in the journal, so the number has no bound. */
const RETRY = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s' } as const

export async function rotateEnvironment(input: RotateEnvironmentInput): Promise<RotateEnvironmentResult> {
  const { workflowId, runId, firstExecutionRunId } = workflowInfo()
  const signals: string[] = []
  let received = 0
  let wakes = 0
  let cancelled = false
  let waiting = true
  setHandler(requestRotation, () => {
    wakes += 1
  })
  setHandler(rotateNow, () => {
    received += 1
    signals.push(`signal/${firstExecutionRunId}/${received}`)
  })
  void CancellationScope.current().cancelRequested.catch((error: unknown) => {
    if (!isCancellation(error)) throw error
    cancelled = true
  })

  const store = proxyLocalActivities<Activities>({ startToCloseTimeout: '1m', retry: RETRY })
  const target = proxyActivities<Activities>({
    startToCloseTimeout: input.limits?.attempt ?? ATTEMPT_LIMIT,
    heartbeatTimeout: input.limits?.heartbeat ?? HEARTBEAT_MS,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: RETRY,
  })
  const driver = { environmentId: input.environmentId, workflowId, runId }
  const progress = trackProgress()

  const runEvent = async (plan: Plan & { kind: 'event' }): Promise<EventSummary | null> => {
    const rotate = (rotations: PlannedRotation[]) =>
      rotateAll(rotations, input.limits?.concurrency ?? CONCURRENCY, async ({ id, path, rotator }) => {
        const summary = oneLine(`${path} · ${rotator}`)
        const result = target.rotateSecret.executeWithOptions({ summary }, [{ rotationId: id, cancelled }])
        progress.ended(id, await result)
      })
    progress.planned(plan)
    await rotate(plan.rotations.filter(({ outcome }) => outcome === null))
    for (;;) {
      wakes = 0 // Whoever woke this run has written his request before that: the commit sees it.
      const committed = await store.commitRevision.executeWithOptions(
        { summary: oneLine(`commit ${plan.environment}`) },
        [{ ...driver, eventId: plan.eventId }],
      )
      if (committed.kind === 'superseded') return null
      if (committed.kind === 'verify again')
        await rotate(plan.rotations.filter(({ id }) => committed.rotationIds.includes(id)))
      else {
        progress.committed(committed)
        waiting = committed.waiting ?? true
        return { event: plan.eventId, trigger: plan.trigger, ...committed.summary }
      }
    }
  }

  return await CancellationScope.nonCancellable(async () => {
    const events: EventSummary[] = []
    let occasion: Occasion = firstOccasion(input)
    for (;;) {
      wakes = 0
      const plan = await store.planRotation.executeWithOptions({ summary: `plan ${occasion.kind}` }, [
        { ...driver, occasion },
      ])
      progress.refused(plan)
      waiting = plan.kind === 'event'
      if (plan.kind === 'event') {
        const summary = await runEvent(plan)
        if (summary) events.push(summary)
        // Cancelled was that event, not what is asked for from here on.
        cancelled = false
      }
      const signal = signals.shift()
      occasion = signal === undefined ? { kind: 'requests' } : { kind: 'signal', requestKey: signal }
      if (waiting || signal !== undefined) continue
      await condition(allHandlersFinished)
      if (wakes === 0 && signals.length === 0)
        return { ended: endOf(plan, events), events: events.slice(-20) }
    }
  })
}

function endOf(plan: Plan, events: EventSummary[]): RotateEnvironmentResult['ended'] {
  if (events.length > 0 || plan.kind === 'event' || plan.reason === 'no request') return 'done'
  return plan.reason
}
