/**
 * A worker program that halts: each environment named in its plan comes to rest at its point, and when all have, the
 * process kills or stops itself there and then. Started by tests as a child; the plan is its one argument.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createActivities, type Activities, type ActivityServices } from '../../activities/index.ts'
import { loadConfig } from '../../config/index.ts'
import { runWorker } from '../../worker/main.ts'

export interface HaltPlan {
  /** REKEY_ settings. */
  settings: Record<string, string>
  bundle: string
  /** Environment id → the point at which it rests. */
  points: Record<string, string>
  /** SIGKILL, or SIGSTOP after which a SIGCONT lets everything go on. */
  signal: 'SIGKILL' | 'SIGSTOP'
}

const plan = JSON.parse(process.argv[2] ?? '') as HaltPlan
const environment = new AsyncLocalStorage<string>()
const waiting = new Set(Object.keys(plan.points))
const halted = Promise.withResolvers<void>()

async function at(point: string): Promise<void> {
  const id = environment.getStore()
  if (id === undefined || plan.points[id] !== point || !waiting.delete(id)) return
  console.log(`reached ${point}`)
  if (waiting.size === 0) {
    process.kill(process.pid, plan.signal)
    // Only a process that was stopped and woken gets here.
    halted.resolve()
  }
  await halted.promise
}

function haltingActivities(services: ActivityServices): Activities {
  const activities = createActivities({ ...services, at })
  const environmentOf = async (rotationId: string) => {
    const row = await services.environments.db
      .selectFrom('rotations')
      .select('environment_id')
      .where('id', '=', rotationId)
      .executeTakeFirst()
    return row?.environment_id ?? ''
  }
  return {
    planRotation: (input) => environment.run(input.environmentId, () => activities.planRotation(input)),
    commitRevision: (input) => environment.run(input.environmentId, () => activities.commitRevision(input)),
    rotateSecret: async (input) =>
      environment.run(await environmentOf(input.rotationId), () => activities.rotateSecret(input)),
  }
}

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
await runWorker(loadConfig(plan.settings), stop.signal, {
  createActivities: haltingActivities,
  workflowBundle: { codePath: plan.bundle },
})
