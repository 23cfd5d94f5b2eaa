/** A worker that is killed, or stopped and woken long after, between any two steps. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { request, wait } from '../../client/rotations.ts'
import type { Environment } from '../../store/environments.ts'
import type { RotatorState } from '../../rotators/rotator.ts'
import { findEvent, listEvents } from '../../store/events.ts'
import { pointsInSource, reachedAll, startHalting } from '../support/halting.ts'
import { rotatedDefinition, startLine, TEST_LIMITS, type Credential, type Line } from '../support/line.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

/** Where targets that make credentials up come to, aws-iam.test.ts halts too. */
const POINTS = pointsInSource().filter((point) => point !== 'apply: written down first')

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
    const child = await startHalting(line, cases, signal)
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
