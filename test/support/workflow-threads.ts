/**
 * Workers of one test file take turns at one thread for workflows. The SDK starts a thread for each worker and loads itself
 * into it, which costs as much as three rotations. Nothing of a worker stays behind: when it ends, it drops every workflow it
 * had, and whoever has not ended is begun anew from its history. A thread that is not known to be empty is ended.
 */
import type { Worker as Thread } from 'node:worker_threads'
import {
  ThreadedVMWorkflowCreator as Threads,
  type ThreadedVMWorkflowCreatorOptions as Options,
  type WorkerThreadClient as Client,
} from '@temporalio/worker/lib/workflow/threaded-vm.js'

/** What the SDK does not promise. */
interface Inside {
  workerThreadClients: (Pick<Client, 'getActiveWorkflowCount'> & {
    workerThread: Thread
    workerExited: boolean
  })[]
}

interface Resting {
  threads: Threads
  like: Options
}

const resting: Resting[] = []
const start = Threads.create.bind(Threads)

/** From now on, in this process. */
export function shareWorkflowThreads(): void {
  if (Threads.create === create) return
  Threads.create = create
}

async function create(options: Options): Promise<Threads> {
  const at = resting.findIndex(({ like }) => isAlike(like, options))
  const [found] = at < 0 ? [] : resting.splice(at, 1)
  const threads = found?.threads ?? (await start(options))
  for (const { workerThread } of clients(threads)) workerThread.ref()
  const end = () => Threads.prototype.destroy.call(threads)
  threads.destroy = async () => {
    if (!clients(threads).every(isEmpty)) return await end()
    // The process may end while it rests.
    for (const { workerThread } of clients(threads)) workerThread.unref()
    resting.push({ threads, like: options })
  }
  return threads
}

const clients = (threads: Threads) => (threads as unknown as Inside).workerThreadClients

const isEmpty = (client: Inside['workerThreadClients'][number]) =>
  !client.workerExited && client.getActiveWorkflowCount() === 0

function isAlike(one: Options, other: Options): boolean {
  return (
    one.workflowBundle.code === other.workflowBundle.code &&
    one.threadPoolSize === other.threadPoolSize &&
    one.isolateExecutionTimeoutMs === other.isolateExecutionTimeoutMs &&
    one.reuseV8Context === other.reuseV8Context &&
    one.registeredActivityNames.symmetricDifference(other.registeredActivityNames).size === 0 &&
    one.patchActivationCallback === other.patchActivationCallback
  )
}
