/** A dry run on a worker, since only workers reach the targets. Whoever asked waits for it, so it gives up before he does. */
import { proxyActivities } from '@temporalio/workflow'
import type { RehearsalActivities, RehearsalCounts, RehearsalInput } from '../activities/index.ts'

export async function rehearseRotation(input: RehearsalInput): Promise<RehearsalCounts> {
  const target = proxyActivities<RehearsalActivities>({
    scheduleToStartTimeout: '30s',
    startToCloseTimeout: '110s',
    scheduleToCloseTimeout: '140s',
    heartbeatTimeout: '20s',
    retry: { initialInterval: '1s', maximumAttempts: 3 },
  })
  return await target.rehearseRotations(input)
}
