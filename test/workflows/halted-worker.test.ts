/** A worker that is killed, or stopped and woken long after, between any two steps. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { request, wait } from '../../client/rotations.ts'
import type { Environment } from '../../store/environments.ts'
import type { RotatorState } from '../../rotators/rotator.ts'
import { findEvent, listEvents } from '../../store/events.ts'
import type { HaltPlan } from '../support/halting-worker.ts'
import { rotatedDefinition, startLine, TEST_LIMITS, type Credential, type Line } from '../support/line.ts'
import { sharedBundle, targetDatabase, type TargetDatabase } from '../support/servers.ts'

/** Every place at which a halt is announced; the source is read, so that none is forgotten. */
const POINTS = pointsInSource()

interface Case {
  point: string
  target: TargetDatabase
  environment: Environment
  before: { current: Credential; revision: number }
}

let line: Line

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())

function pointsInSource(): string[] {
  const folder = fileURLToPath(new URL('../../activities/', import.meta.url))
  const sources = readdirSync(folder).map((name) => readFileSync(folder + name, 'utf8'))
  return sources.flatMap((source) => [...source.matchAll(/\bat\('([^']+)'\)/g)].map((match) => match[1]!))
}

async function prepareCases(): Promise<Case[]> {
  const cases: Case[] = []
  for (const point of POINTS) {
    const target = await targetDatabase()
    const environment = await line.environment(rotatedDefinition(target))
    await line.rotate(environment)
    const { current } = await line.state(environment, 'db')
    cases.push({ point, target, environment, before: { current: current!, revision: 3 } })
  }
  return cases
}

async function startHalting(cases: Case[], signal: HaltPlan['signal']): Promise<ChildProcess> {
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
    },
  }
  const program = fileURLToPath(new URL('../support/halting-worker.ts', import.meta.url))
  return spawn(process.execPath, [program, JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function reachedAll(child: ChildProcess, count: number): Promise<void> {
  let reached = 0
  for await (const chunk of child.stdout!) {
    reached += String(chunk).match(/^reached /gm)?.length ?? 0
    if (reached === count) return
  }
  throw new Error(`the worker ended after ${reached} of ${count} points`)
}

async function checkRotatedOnce(
  { point, target, environment, before }: Case,
  eventId: string,
): Promise<void> {
  const event = (await findEvent(line.store.db, eventId))!
  expect.soft(event, point).toMatchObject({ outcome: 'succeeded', postRevision: before.revision + 1 })
  expect
    .soft(
      event.rotations.map(({ outcome }) => outcome),
      point,
    )
    .toEqual(['succeeded'])
  const { current, previous } = await line.state(environment, 'db')
  expect.soft(previous, point).toEqual(before.current)
  expect.soft(await target.canLogIn(before.current), point).toBe(true)
  expect.soft(await target.canLogIn(current!), point).toBe(true)
  expect.soft((await line.newest(environment)).number, point).toBe(before.revision + 1)
  expect.soft(await listEvents(line.store.db, environment.id), point).toHaveLength(2)
}

async function rotateTwice({ environment, point }: Case): Promise<RotatorState<Credential>> {
  for (const _ of [1, 2])
    expect.soft(await line.rotate(environment), point).toMatchObject({ outcome: 'succeeded' })
  return await line.state(environment, 'db')
}

test.each(['SIGKILL', 'SIGSTOP'] as const)(
  '%s at every point: the rotation ends once, and both credentials log in',
  async (signal) => {
    expect(POINTS.length).toBeGreaterThan(10)
    const cases = await line.withWorker(prepareCases)
    const child = await startHalting(cases, signal)
    // From the start: it may be gone before the last request has been answered.
    const exited = once(child, 'exit')
    const reached = reachedAll(child, cases.length)
    const asked = await Promise.all(
      cases.map(({ environment }) =>
        request(line.on, {
          environmentId: environment.id,
          login: 'ada',
          trigger: 'manual',
          paths: null,
          force: false,
          requestKey: null,
        }),
      ),
    )
    await reached
    if (signal === 'SIGKILL') await exited
    try {
      await line.withWorker(async () => {
        await Promise.all(asked.map(({ eventId }) => wait(line.on, eventId, AbortSignal.timeout(90_000))))
      })
      for (const [index, one] of cases.entries()) await checkRotatedOnce(one, asked[index]!.eventId)

      if (signal === 'SIGSTOP') {
        // It wakes when all is over, and its slot holds another password by then: nothing of what it stood at may arrive.
        const states = await line.withWorker(() => Promise.all(cases.map(rotateTwice)))
        child.kill('SIGCONT')
        await sleep(5 * TEST_LIMITS.changeTimeout)
        for (const [index, { point, target, environment }] of cases.entries()) {
          const { current, previous } = await line.state(environment, 'db')
          expect.soft({ current, previous }, point).toEqual(states[index])
          expect.soft(await target.canLogIn(current!), point).toBe(true)
          expect.soft(await target.canLogIn(previous!), point).toBe(true)
        }
      }
    } finally {
      child.kill('SIGKILL')
      for (const { target } of cases) await target.drop()
    }
  },
  150_000,
)
