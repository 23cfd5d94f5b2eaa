/** The least that Temporal can do for three steps: what a rotation is compared to. Nothing of Rekey is in it. */
import { proxyActivities } from '@temporalio/workflow'

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '1m' })

export async function bare(): Promise<void> {
  await nothing()
  await nothing()
  await nothing()
}
