/** Looks at what rotations left in doubt, whenever its schedule says; all it does is ask for events. */
import { proxyActivities } from '@temporalio/workflow'
import type { SweepActivities, SweepResult } from '../activities/index.ts'

const RETRY = { initialInterval: '5s', maximumInterval: '1m', maximumAttempts: 10 } as const

export async function sweepUnsettled(): Promise<SweepResult> {
  const store = proxyActivities<SweepActivities>({
    startToCloseTimeout: '5m',
    heartbeatTimeout: '20s',
    retry: RETRY,
  })
  return await store.sweepUnsettled()
}
