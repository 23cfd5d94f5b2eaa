/**
 * The worker program of the fire: the real one, its time limits from its argument, and an end at one of the points
 * between its steps: it kills or stops itself there and then.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createActivities, type Activities, type ActivityServices } from '../../activities/index.ts'
import { loadConfig } from '../../config/index.ts'
import type { Settling } from '../../rotators/rotator.ts'
import { runWorker } from '../../worker/main.ts'
import type { RotateEnvironmentInput } from '../../workflows/messages.ts'
import { endWithParent, planOf } from './programs.ts'

export interface WorkerPlan {
  /** REKEY_ settings. */
  settings: Record<string, string>
  limits: NonNullable<RotateEnvironmentInput['limits']>
  settling: Settling
  bundle: string
  /** Says at which points which environment passes. */
  record?: boolean
  halt?: {
    signal: 'SIGKILL' | 'SIGSTOP'
    /** At which point: the so manieth that it comes to, or for each environment the one named. */
    at: number | Record<string, string>
  }
}

const plan = planOf<WorkerPlan>()
const { halt } = plan
const environment = new AsyncLocalStorage<string>()
const waiting = new Set(typeof halt?.at === 'object' ? Object.keys(halt.at) : [])
const halted = Promise.withResolvers<void>()
let passed = 0

async function at(point: string): Promise<void> {
  if (plan.record) console.log(`passed ${environment.getStore()} ${point}`)
  if (halt === undefined) return
  if (typeof halt.at === 'number') {
    passed += 1
    if (passed === halt.at) end(point)
    return
  }
  const id = environment.getStore()
  if (id === undefined || halt.at[id] !== point || !waiting.delete(id)) return
  console.log(`reached ${id} ${point}`)
  if (waiting.size === 0) {
    end(point)
    // Only a process that was stopped and woken gets here.
    halted.resolve()
  }
  await halted.promise
}

function end(point: string): void {
  console.log(`halted ${point}`)
  process.kill(process.pid, halt!.signal)
}

function burningActivities(services: ActivityServices): Activities {
  const { findRotator } = services.environments
  const environments = {
    ...services.environments,
    findRotator: (name: string) => {
      const rotator = findRotator(name)
      // What takes AWS fifteen seconds takes moto none.
      return rotator?.settling ? { ...rotator, settling: plan.settling } : rotator
    },
  }
  const activities = createActivities({ ...services, environments, at })
  const environmentOf = async (rotationId: string) => {
    const row = await services.environments.db
      .selectFrom('rotations')
      .select('environment_id')
      .where('id', '=', rotationId)
      .executeTakeFirst()
    return row?.environment_id ?? ''
  }
  return {
    ...activities,
    planRotation: (input) => environment.run(input.environmentId, () => activities.planRotation(input)),
    commitRevision: (input) => environment.run(input.environmentId, () => activities.commitRevision(input)),
    rotateSecret: async (input) =>
      typeof halt?.at === 'object' || plan.record
        ? environment.run(await environmentOf(input.rotationId), () => activities.rotateSecret(input))
        : activities.rotateSecret(input),
  }
}

endWithParent()
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
await runWorker(loadConfig(plan.settings), stop.signal, {
  createActivities: burningActivities,
  workflowBundle: { codePath: plan.bundle },
  limits: plan.limits,
  stickyTimeout: 1_000,
})
process.exit()
