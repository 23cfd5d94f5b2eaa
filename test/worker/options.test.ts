/** What the SDK makes of our options, where they are none that it promises to keep. */
import { NativeConnection, Worker } from '@temporalio/worker'
import { expect, test } from 'vitest'
import { workerOptions } from '../../worker/options.ts'
import { sharedBundle, sharedTemporal } from '../support/servers.ts'

/** Milliseconds, by Temporal's default, after which a step of a workflow is given to another worker. */
const TASK_TIMEOUT = 10_000

test('a process that was stopped in a step of a workflow is too late to tell Temporal that the step failed', async () => {
  const { address, namespace, taskQueue } = await sharedTemporal()
  const connection = await NativeConnection.connect({ address })
  const worker = await Worker.create(
    workerOptions({
      connection,
      namespace,
      taskQueue,
      activities: {} as never,
      maxConcurrentRotations: 1,
      workflowBundle: await sharedBundle(),
    }),
  )
  try {
    expect(worker.options.isolateExecutionTimeoutMs).toBeGreaterThan(2 * TASK_TIMEOUT)
  } finally {
    await worker.runUntil(Promise.resolve())
    await connection.close()
  }
})
