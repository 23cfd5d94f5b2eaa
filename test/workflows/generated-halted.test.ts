/**
 * A worker that is killed, or stopped and woken long after, at every point that a rotation without a target passes: one
 * value, one revision. A kind of test/chaos/targets it cannot be: there is no wire to watch.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { request, wait } from '../../client/rotations.ts'
import { dataKeyOf, type Environment } from '../../store/environments.ts'
import { findEvent, listEvents } from '../../store/events.ts'
import { pointsInSource, reachedAll, startHalting } from '../support/halting.ts'
import { asked, startLine, TEST_LIMITS, type Line } from '../support/line.ts'

const SIGNING = 'values:\n  signing:\n    fn::rotate::password: { inputs: { length: 24 } }\n'

let line: Line

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())

const stateOf = async (environment: Environment) =>
  (await line.state(environment, 'signing')) as unknown as { current: string; previous: string | null }

/** The points that a rotation as usual passes, in their order. */
async function pointsPassed(): Promise<string[]> {
  const passed: string[] = []
  const at = async (point: string) => void passed.push(point)
  const environment = await line.environment(SIGNING)
  await line.withWorker(() => line.rotate(environment), { ...line.activityServices, at })
  return [...new Set(passed)].filter((point) => pointsInSource().includes(point))
}

/** Every value that the journal was ever to publish for an environment, oldest first. */
async function preparedOf(environment: Environment): Promise<string[]> {
  const dataKey = await dataKeyOf(line.store.db, line.store.keeper, environment.id)
  const rows = await line.store.db
    .selectFrom('rotations')
    .select(['id', 'prepared', 'sent_until'])
    .where('environment_id', '=', environment.id)
    .orderBy('created_at')
    .execute()
  expect.soft(rows.map(({ sent_until }) => sent_until)).toEqual(rows.map(() => null))
  return rows.map(
    ({ id, prepared }) => JSON.parse(dataKey.open('journal', id, prepared!).toString()) as string,
  )
}

test.each(['SIGKILL', 'SIGSTOP'] as const)(
  '%s at every point of a generated value: published once, and the next one takes its turn',
  { timeout: 240_000 },
  async (signal) => {
    const points = await pointsPassed()
    expect(points).toEqual(
      expect.arrayContaining(['prepare: written down', 'apply: answered', 'commit: done']),
    )
    const cases = await Promise.all(
      points.map(async (point) => ({ point, environment: await line.environment(SIGNING) })),
    )
    const child = await startHalting(line, cases, signal)
    const exited = once(child, 'exit')
    try {
      const reached = reachedAll(child, cases.length)
      const requested = await Promise.all(
        cases.map(({ environment }) => request(line.on, { ...asked(environment), requestKey: 'once' })),
      )
      await reached
      if (signal === 'SIGKILL') await exited
      await line.withWorker(async () => {
        await Promise.all(
          requested.map(({ eventId }) => wait(line.on, eventId, AbortSignal.timeout(120_000))),
        )
        if (signal === 'SIGSTOP') {
          child.kill('SIGCONT')
          await sleep(2 * TEST_LIMITS.changeTimeout)
        }
        for (const [index, { point, environment }] of cases.entries()) {
          const event = await findEvent(line.store.db, requested[index]!.eventId)
          expect.soft(event, point).toMatchObject({ outcome: 'succeeded', postRevision: 3 })
          expect.soft(await listEvents(line.store.db, environment.id), point).toHaveLength(1)
          const { current, previous } = await stateOf(environment)
          expect.soft({ made: await preparedOf(environment), previous }, point).toEqual({
            made: [current],
            previous: null,
          })
        }
        // A worker that woke up late must not have left anything in the way.
        const { environment } = cases.at(-1)!
        const { current } = await stateOf(environment)
        await line.rotate(environment)
        expect((await stateOf(environment)).previous).toBe(current)
      })
    } finally {
      child.kill('SIGKILL')
    }
  },
)
