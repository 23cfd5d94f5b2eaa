/** A worker of its own process that comes to a halt at given points; halting-worker.ts is what runs there. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../../store/environments.ts'
import type { HaltPlan } from './halting-worker.ts'
import { TEST_LIMITS, type Line } from './line.ts'
import { sharedBundle } from './servers.ts'

/** Every place at which a rotation may halt; the source is read, so that none is forgotten. */
export function pointsInSource(): string[] {
  return allPoints().filter((point) => !point.startsWith('by hand: '))
}

/** Those that only an action by hand comes to. */
export function pointsByHand(): string[] {
  return allPoints().filter((point) => point.startsWith('by hand: '))
}

function allPoints(): string[] {
  const folder = fileURLToPath(new URL('../../activities/', import.meta.url))
  const sources = readdirSync(folder).map((name) => readFileSync(folder + name, 'utf8'))
  return sources.flatMap((source) => [...source.matchAll(/\bat\('([^']+)'\)/g)].map((match) => match[1]!))
}

/** It kills or stops itself when each environment rests at its point. */
export async function startHalting(
  line: Line,
  cases: { environment: Environment; point: string }[],
  signal: HaltPlan['signal'],
): Promise<ChildProcess> {
  const plan: HaltPlan = {
    signal,
    bundle: (await sharedBundle()).codePath,
    points: Object.fromEntries(cases.map(({ environment, point }) => [environment.id, point])),
    settings: {
      REKEY_DATABASE_URL: line.store.url,
      REKEY_KEY_FILE: line.store.keyFile,
      REKEY_TEMPORAL_ADDRESS: line.temporal.address,
      REKEY_TASK_QUEUE: line.temporal.taskQueue,
      REKEY_WORKER_LISTEN: '127.0.0.1:0',
      REKEY_CHANGE_TIMEOUT: `${TEST_LIMITS.changeTimeout / 1000}s`,
      REKEY_MIN_MANUAL_AGE: '0s',
      REKEY_LOG_LEVEL: 'error',
      REKEY_RECONCILE_INTERVAL: '1h',
      REKEY_SWEEP_INTERVAL: '0s',
    },
  }
  const program = fileURLToPath(new URL('halting-worker.ts', import.meta.url))
  return spawn(process.execPath, [program, JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'inherit'] })
}

export async function reachedAll(child: ChildProcess, count: number): Promise<void> {
  let reached = 0
  for await (const chunk of child.stdout!) {
    reached += String(chunk).match(/^reached /gm)?.length ?? 0
    if (reached === count) return
  }
  throw new Error(`the worker ended after ${reached} of ${count} points`)
}
