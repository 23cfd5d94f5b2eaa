/** How the Temporal worker is set up, the same in production, in development and in tests. */
import { readdirSync, statSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NativeConnection, WorkerOptions, WorkflowBundleOption } from '@temporalio/worker'
import type { Activities } from '../activities/index.ts'
import { identityOf } from '../client/connect.ts'
import { ATTEMPT_LIMIT } from '../model/attempt-limit.ts'
import { NO_TRACING, type Tracing } from '../telemetry/tracing.ts'
import { activitySpans, workflowSpans } from './follow-traces.ts'

export interface RekeyWorkerOptions {
  connection: NativeConnection
  namespace: string
  taskQueue: string
  activities: Activities
  maxConcurrentRotations: number
  /** A bundle made before; without one the workflows are bundled at start. */
  workflowBundle?: WorkflowBundleOption
  /** None when absent. */
  tracing?: Tracing
}

/**
 * Milliseconds that attempts under way have to end when the worker is told to stop: longer than any may take, so that only
 * whoever loses patience with this process cuts one off. They are seldom needed.
 */
export const SHUTDOWN_GRACE = ATTEMPT_LIMIT + 30_000
const CACHED_WORKFLOWS = 200
/**
 * Milliseconds that one step of a workflow may take by the clock: more than the ten seconds after which Temporal has given it to
 * somebody else. So a process that was stopped in one of them finds itself late, and Temporal hears nothing of it.
 */
const STEP_LIMIT = 30_000
/** What the SDK takes without a promise; without it, a step has five seconds. */
const UNDOCUMENTED = { isolateExecutionTimeout: STEP_LIMIT }

/** Where `make bundle` puts the workflow bundle for production. */
export const BUNDLE_PATH = fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url))
/** In the npm package this file is JavaScript, and so are the workflows beside it. */
const EXTENSION = extname(import.meta.filename)
export const WORKFLOWS_PATH = fileURLToPath(new URL(`../workflows/index${EXTENSION}`, import.meta.url))
/** Part of the bundle as well: a worker that is given one does not look at these. */
export const WORKFLOW_INTERCEPTORS = [
  fileURLToPath(new URL(`../workflows/hand-trace-on${EXTENSION}`, import.meta.url)),
]

/**
 * In a checkout a bundle that is older than the workflows' source is no longer theirs. In the npm package both were
 * made at once, and the times that npm gives to files say nothing.
 */
function isFresh(bundle: string): boolean {
  const made = statSync(bundle, { throwIfNoEntry: false })?.mtimeMs
  if (made === undefined) return false
  if (EXTENSION === '.js') return true
  const workflows = dirname(WORKFLOWS_PATH)
  // What workflows may import, and do.
  const folders = [workflows, join(workflows, '..', 'model')]
  return folders.every((folder) =>
    readdirSync(folder).every((name) => statSync(join(folder, name)).mtimeMs <= made),
  )
}

export function workerOptions(options: RekeyWorkerOptions): WorkerOptions {
  const { tracing = NO_TRACING } = options
  const bundle = options.workflowBundle ?? (isFresh(BUNDLE_PATH) ? { codePath: BUNDLE_PATH } : undefined)
  return {
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    identity: identityOf('worker'),
    activities: options.activities,
    ...(bundle ? { workflowBundle: bundle } : { workflowsPath: WORKFLOWS_PATH }),
    interceptors: {
      ...(tracing.isOn && { activity: [activitySpans(tracing)] }),
      ...(!bundle && { workflowModules: WORKFLOW_INTERCEPTORS }),
    },
    sinks: workflowSpans(tracing),
    maxConcurrentActivityTaskExecutions: options.maxConcurrentRotations,
    maxCachedWorkflows: CACHED_WORKFLOWS,
    shutdownGraceTime: SHUTDOWN_GRACE,
    ...UNDOCUMENTED,
  }
}
