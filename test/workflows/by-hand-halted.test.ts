/** A worker that is killed, or stopped and woken long after, in the middle of what a person has decided: it is done once. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { request, wait } from '../../client/rotations.ts'
import type { Action, Subject } from '../../model/actions.ts'
import type { AccessKey, AwsIamInputs } from '../../rotators/aws-iam/schema.ts'
import { findRotator } from '../../rotators/index.ts'
import type { Environment } from '../../store/environments.ts'
import { findEvent, listEvents } from '../../store/events.ts'
import { listRotations } from '../../store/rotation-records.ts'
import { awsTarget } from '../support/aws.ts'
import { pointsByHand, reachedAll, startHalting } from '../support/halting.ts'
import { rotatedDefinition, startLine, TEST_LIMITS, type Line } from '../support/line.ts'
import { startProxy } from '../support/proxy.ts'
import { targetDatabase } from '../support/servers.ts'

/** Where each action may be cut off; every point by hand is in it. */
const POINTS: [Action, string[]][] = [
  ['adopt', ['plan: opened', 'by hand: credential works', 'commit: text made', 'commit: done']],
  ['undo', ['plan: opened', 'by hand: previous works', 'commit: text made', 'commit: done']],
  ['forget', ['plan: opened', 'commit: text made', 'commit: done']],
  ['discard', ['plan: drafted', 'by hand: written down', 'by hand: suspect removed', 'commit: done']],
  // Of a key that AWS has named.
  ['discard', ['by hand: removed']],
]

interface Case {
  what: string
  point: string
  environment: Environment
  action: Action
  subject: Subject
  paths: string[] | null
  revision: number | null
  check(): Promise<void>
}

let line: Line
/** Users of AWS of whom only this key logs in, as far as the line can tell. */
const blind = new Map<string, string>()
let undos: (() => Promise<void>)[] = []

beforeAll(async () => {
  line = await startLine({ targetBudget: 4_000 })
  // What takes AWS fifteen seconds takes moto none.
  line.services.findRotator = (name) => {
    const rotator = findRotator(name)
    if (!rotator?.settling) return rotator
    const test: typeof rotator.test = async (inputs: AwsIamInputs, key: AccessKey, context) => {
      const only = blind.get(inputs.userArn)
      if (only !== undefined && only !== key.accessKeyId) return 'refused'
      return await rotator.test(inputs, key, context)
    }
    return { ...rotator, test, settling: { successes: 2, deadline: 1_000, pause: 50 } }
  }
})
afterAll(() => line.close())
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo()
})

async function inDoubt({ id }: Environment) {
  return await listRotations(line.store.db, { environmentId: id, limit: 5 })
}

/** So many at once take longer than the short limits of tests allow, now and then. */
async function rotated(environment: Environment): Promise<void> {
  for (let tries = 3; ; tries -= 1) {
    const { outcome, rotations } = await line.rotate(environment)
    if (outcome === 'succeeded') return
    if (tries === 1) expect(rotations).toEqual([])
  }
}

/** Rotated twice; for an adoption the third one's value has arrived and was not answered. */
async function withUsers(action: Action, point: string): Promise<Case> {
  const target = await targetDatabase()
  undos.push(() => target.drop())
  const proxy = await startProxy(target)
  undos.push(() => proxy.close())
  const environment = await line.environment(
    rotatedDefinition(target, { host: proxy.host, port: proxy.port }),
  )
  for (const _ of [1, 2]) await rotated(environment)
  const before = await line.state(environment, 'db')
  let subject: Subject = {}
  if (action === 'adopt') {
    let cut = false
    proxy.cutAfter((chunk) => (cut ||= chunk.includes('COMMIT')))
    await line.rotate(environment)
    proxy.relay()
    subject = { rotation: (await inDoubt(environment))[0]!.id }
  }
  const check = async () => {
    const { current, previous } = await line.state(environment, 'db')
    expect.soft(await inDoubt(environment)).toEqual([])
    if (action === 'forget') return expect.soft(current).toBeNull()
    if (action === 'undo')
      expect.soft({ current, previous }).toEqual({ current: before.previous, previous: before.current })
    else expect.soft(previous).toEqual(before.current)
    for (const slot of [current!, previous!]) expect.soft(await target.canLogIn(slot)).toBe(true)
  }
  return {
    what: `${action} at ${point}`,
    point,
    environment,
    action,
    subject,
    paths: action === 'forget' ? ['db'] : null,
    revision: 5,
    check,
  }
}

/** One key is published, and one is left: AWS has named it and it did not log in, or nobody knows what it is. */
async function withKey(point: string): Promise<Case> {
  const aws = await awsTarget()
  undos.push(() => aws.dispose())
  const proxy = await startProxy(aws.address)
  undos.push(() => proxy.close())
  const { login, userArn, region } = aws.via(proxy)
  const environment = await line.environment(`values:
  key:
    fn::rotate::aws-iam:
      inputs:
        login:
          fn::open::aws-login:
            static:
              accessKeyId: ${login.accessKeyId}
              secretAccessKey: { fn::secret: '${login.secretAccessKey}' }
        userArn: ${userArn}
        region: ${region}
`)
  await rotated(environment)
  const current = (await line.state(environment, 'key')).current as unknown as AccessKey
  const named = point === 'by hand: removed'
  if (named) blind.set(userArn, current.accessKeyId)
  else proxy.cutAfter((chunk) => chunk.includes('Action=CreateAccessKey'))
  const event = await line.rotate(environment)
  // Whether there was still time to ask AWS what became of it or not, a suspect is left.
  expect(event.rotations).toMatchObject([named ? { failureCode: 'VERIFY_FAILED' } : { outcome: 'unknown' }])
  proxy.relay()
  blind.delete(userArn)
  const [left] = await inDoubt(environment)
  const key = (await aws.keys()).find((id) => id !== current.accessKeyId)!
  const check = async () => {
    expect.soft(await inDoubt(environment)).toEqual([])
    expect.soft(await aws.keys()).toEqual([current.accessKeyId])
    expect.soft(await aws.logsIn(current)).toBe(true)
  }
  const subject = { rotation: left!.id, ...(!named && { key }) }
  return {
    what: `discard at ${point}`,
    point,
    environment,
    action: 'discard',
    subject,
    paths: null,
    revision: null,
    check,
  }
}

test.each(['SIGKILL', 'SIGSTOP'] as const)(
  '%s at every point of adopt, undo, forget and discard',
  { timeout: 240_000 },
  async (signal) => {
    const tried = POINTS.flatMap(([, points]) => points)
    expect(pointsByHand().filter((point) => !tried.includes(point))).toEqual([])
    const cases = await line.withWorker(() =>
      Promise.all(
        POINTS.flatMap(([action, points]) =>
          points.map((point) => (action === 'discard' ? withKey(point) : withUsers(action, point))),
        ),
      ),
    )
    const child = await startHalting(line, cases, signal)
    undos.push(() => Promise.resolve(void child.kill('SIGKILL')))
    const exited = once(child, 'exit')
    const reached = reachedAll(child, cases.length)
    const asked = await Promise.all(
      cases.map(({ environment, action, subject, paths }) =>
        request(line.on, {
          environmentId: environment.id,
          login: 'ada',
          trigger: 'manual',
          paths,
          force: false,
          requestKey: `${action}-once`,
          action,
          subject,
        }),
      ),
    )
    await reached
    if (signal === 'SIGKILL') await exited
    await line.withWorker(async () => {
      await Promise.all(asked.map(({ eventId }) => wait(line.on, eventId, AbortSignal.timeout(120_000))))
    })
    if (signal === 'SIGSTOP') {
      child.kill('SIGCONT')
      await sleep(5 * TEST_LIMITS.changeTimeout)
    }
    for (const [index, { what, environment, action, revision, check }] of cases.entries()) {
      const event = await findEvent(line.store.db, asked[index]!.eventId)
      expect.soft(event, what).toMatchObject({ action, outcome: 'succeeded', postRevision: revision })
      const events = await listEvents(line.store.db, environment.id)
      expect
        .soft(
          events.filter((one) => one.action === action),
          what,
        )
        .toHaveLength(1)
      await check()
    }
  },
)
