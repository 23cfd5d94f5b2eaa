/** What people decide about access keys that a rotation left, on moto; keys that somebody else made before, during and after stay. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { sweepUnsettled } from '../../activities/sweep-unsettled.ts'
import { wake } from '../../client/rotations.ts'
import type { Subject } from '../../model/actions.ts'
import type { AccessKey } from '../../rotators/aws-iam/schema.ts'
import { findRotator } from '../../rotators/index.ts'
import type { RotatorState } from '../../rotators/rotator.ts'
import type { Environment } from '../../store/environments.ts'
import { listEvents } from '../../store/events.ts'
import { listRotations, type RotationRecord } from '../../store/rotation-records.ts'
import { awsTarget, type AwsTarget } from '../support/aws.ts'
import { gate, startLine, TEST_LIMITS, type Line } from '../support/line.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'

vi.setConfig({ testTimeout: 90_000 })

let line: Line
let aws: AwsTarget
let proxy: Proxy
let environment: Environment
let usualRotators: typeof findRotator

beforeAll(async () => {
  line = await startLine({ targetBudget: 5_000 })
  // What takes AWS fifteen seconds takes moto none.
  usualRotators = (name) => {
    const rotator = findRotator(name)
    if (!rotator?.settling) return rotator
    return { ...rotator, settling: { successes: 3, deadline: 1_000, pause: 50 } }
  }
})
afterAll(() => line.close())
beforeEach(async () => {
  line.services.findRotator = usualRotators
  aws = await awsTarget()
  proxy = await startProxy(aws.address)
  const { login, userArn, region } = aws.via(proxy)
  environment = await line.environment(`values:
  aws:
    login:
      fn::open::aws-login:
        static:
          accessKeyId: ${login.accessKeyId}
          secretAccessKey: { fn::secret: '${login.secretAccessKey}' }
  key:
    fn::rotate::aws-iam:
      inputs:
        login: \${aws.login}
        userArn: ${userArn}
        region: ${region}
`)
})
afterEach(async () => {
  // Nothing is left for the next test's sweep.
  await line.store.db
    .updateTable('rotations')
    .set({ settled_at: new Date() })
    .where('settled_at', 'is', null)
    .execute()
  await proxy.close()
  await aws.dispose()
})

const keyState = async () => (await line.state(environment, 'key')) as unknown as RotatorState<AccessKey>
const unsettled = () => listRotations(line.store.db, { environmentId: environment.id, limit: 10 })
const idsOf = ({ current, previous }: RotatorState<AccessKey>) =>
  [previous, current].flatMap((key) => (key === null ? [] : [key.accessKeyId]))

async function rotated(): Promise<RotatorState<AccessKey>> {
  const event = await line.rotate(environment)
  expect(event.rotations[0]).toMatchObject({ outcome: 'succeeded', message: null })
  return await keyState()
}

const act = (action: 'adopt' | 'discard', subject: Subject) => line.rotate(environment, { action, subject })

/** The answer to the n-th CreateAccessKey is lost after AWS has made the key. */
function loseAnswer(nth: number): void {
  let creates = 0
  proxy.cutAfter((chunk) => chunk.includes('Action=CreateAccessKey') && ++creates === nth)
}

/** One key is published, and one was made of which nobody knows the secret. */
async function leaveSuspect(): Promise<{ left: RotationRecord; suspect: string; published: AccessKey }> {
  const { current } = await rotated()
  loseAnswer(1)
  const event = await line.rotate(environment)
  proxy.relay()
  expect(event.rotations).toMatchObject([{ outcome: 'unknown', failureCode: 'KEY_LIMIT' }])
  const [left] = await unsettled()
  const suspect = (await aws.keys()).find((id) => id !== current!.accessKeyId)!
  return { left: left!, suspect, published: current! }
}

describe('a suspect', () => {
  test('goes when a person hands it over by its id; the published key and the next rotation are unharmed', async () => {
    await line.withWorker(async () => {
      const { left, suspect, published } = await leaveSuspect()
      const unnamed = await act('discard', { rotation: left.id })
      expect(unnamed.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'KEY_LIMIT' }])
      expect(unnamed.rotations[0]!.message).toContain(suspect)
      const adopted = await act('adopt', { rotation: left.id })
      expect(adopted.rotations).toMatchObject([{ failureCode: 'KEY_LIMIT' }])
      expect(await aws.keys()).toEqual([published.accessKeyId, suspect])

      const event = await act('discard', { rotation: left.id, key: suspect })
      expect(event).toMatchObject({ outcome: 'succeeded', postRevision: null })
      expect(await aws.keys()).toEqual([published.accessKeyId])
      expect(await unsettled()).toEqual([])
      const after = await rotated()
      expect(after.previous).toEqual(published)
      expect(await aws.keys()).toEqual(idsOf(after))
    })
  })

  test('the published key, and one that was there before, are not taken for it', async () => {
    await line.withWorker(async () => {
      const { left, suspect, published } = await leaveSuspect()
      const event = await act('discard', { rotation: left.id, key: published.accessKeyId })
      expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'INPUT_INVALID' }])
      expect(event.rotations[0]!.message).toContain('left alone')
      expect(await aws.keys()).toEqual([published.accessKeyId, suspect])
      expect(await unsettled()).toHaveLength(1)
    })
  })

  test('a key that somebody made before stays, whatever is handed over', async () => {
    const before = await aws.makeKey()
    await line.withWorker(async () => {
      loseAnswer(1)
      expect((await line.rotate(environment)).rotations).toMatchObject([{ outcome: 'unknown' }])
      proxy.relay()
      const [left] = await unsettled()
      const refusedEvent = await act('discard', { rotation: left!.id, key: before.accessKeyId })
      expect(refusedEvent.rotations).toMatchObject([{ failureCode: 'INPUT_INVALID' }])
      const suspect = (await aws.keys()).find((id) => id !== before.accessKeyId)!
      expect(await act('discard', { rotation: left!.id, key: suspect })).toMatchObject({
        outcome: 'succeeded',
      })
      expect(await aws.keys()).toEqual([before.accessKeyId])
      expect(await aws.logsIn(before)).toBe(true)
    })
  })

  test('a key that somebody made while the answer was lost is a suspect too: only the one that is named goes', async () => {
    await line.withWorker(async () => {
      // The change never arrives, and somebody else makes a key just then.
      proxy.cutBefore((chunk) => chunk.includes('Action=CreateAccessKey'))
      const rotating = line.rotate(environment)
      await vi.waitFor(
        async () => {
          const rows = await listRotations(line.store.db, {
            environmentId: environment.id,
            all: true,
            limit: 1,
          })
          expect(rows[0]?.sentUntil).toBeTruthy()
        },
        { timeout: 20_000 },
      )
      const foreign = await aws.makeKey()
      const event = await rotating
      proxy.relay()
      expect(event.rotations).toMatchObject([{ outcome: 'unknown', failureCode: 'KEY_LIMIT' }])
      const [left] = await unsettled()
      const unnamed = await act('discard', { rotation: left!.id })
      expect(unnamed.rotations[0]!.message).toContain(foreign.accessKeyId)
      const absent = await act('discard', { rotation: left!.id, key: 'AKIAOFNOBODYATALL000' })
      expect(absent.rotations).toMatchObject([{ failureCode: 'KEY_LIMIT' }])
      expect(await aws.keys()).toEqual([foreign.accessKeyId])
      // A person who knows better gives it up; the key stays, and the next rotation leaves it alone.
      expect(await act('discard', { rotation: left!.id, giveUp: true })).toMatchObject({
        outcome: 'succeeded',
      })
      const state = await rotated()
      expect(await aws.keys()).toEqual([foreign.accessKeyId, state.current!.accessKeyId])
      expect(await aws.logsIn(foreign)).toBe(true)
    })
  })

  test('a key that somebody made after it stays when the suspect is handed over', async () => {
    await line.withWorker(async () => {
      const { left, suspect, published } = await leaveSuspect()
      await aws.deleteKey(published.accessKeyId)
      const foreign = await aws.makeKey()
      // What is published does not log in any more: nothing is removed.
      const stopped = await act('discard', { rotation: left.id, key: suspect })
      expect(stopped.rotations).toMatchObject([{ failureCode: 'TARGET_CHANGED' }])
      expect(await aws.keys()).toEqual([suspect, foreign.accessKeyId])
      expect(await act('discard', { rotation: left.id, giveUp: true })).toMatchObject({
        outcome: 'succeeded',
      })
      expect(await aws.keys()).toEqual([suspect, foreign.accessKeyId])
    })
  })
})

describe('the sweeper', () => {
  async function swept(): Promise<void> {
    const { asked } = await sweepUnsettled({
      ...line.activityServices,
      wake: (described) => wake(line.on, described, 'left in doubt'),
    })
    expect(asked).toBe(1)
    await vi.waitFor(
      async () => {
        const [newest] = await listEvents(line.store.db, environment.id)
        expect(newest).toMatchObject({ action: 'settle', outcome: 'succeeded' })
      },
      { timeout: 60_000 },
    )
  }

  test('leaves a suspect alone, and settles its rotation once a person has removed it at AWS', async () => {
    await line.withWorker(async () => {
      const { left, suspect, published } = await leaveSuspect()
      await swept()
      expect(await unsettled()).toMatchObject([{ id: left.id }])
      expect(await aws.keys()).toEqual([published.accessKeyId, suspect])
      await act('discard', { rotation: left.id, giveUp: true })
    })
  })

  test('settles one of which nothing was made; keys of others stay', async () => {
    const foreign = await aws.makeKey()
    await line.withWorker(async () => {
      loseAnswer(1)
      await line.rotate(environment)
      proxy.relay()
      const suspect = (await aws.keys()).find((id) => id !== foreign.accessKeyId)!
      await aws.deleteKey(suspect)
      await swept()
      expect(await unsettled()).toEqual([])
      expect(await aws.keys()).toEqual([foreign.accessKeyId])
    })
  })
})

describe('a key that AWS has named', () => {
  /** It was made, and does not log in anywhere yet. */
  async function leaveMade() {
    const { current } = await rotated()
    const before = await aws.keys()
    const usual = line.services.findRotator
    const blind: typeof usual = (name) => {
      const rotator = usual(name)!
      const test: typeof rotator.test = async (inputs, key: AccessKey, context) =>
        before.includes(key.accessKeyId) ? await rotator.test(inputs, key, context) : 'refused'
      return { ...rotator, test }
    }
    line.services.findRotator = blind
    const event = await line.rotate(environment)
    line.services.findRotator = usual
    expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'VERIFY_FAILED' }])
    const [left] = await unsettled()
    const made = (await aws.keys()).find((id) => id !== current!.accessKeyId)!
    return { left: left!, made, published: current!, blind }
  }

  test('is adopted once it works, without another one being made', async () => {
    await line.withWorker(async () => {
      const { left, made, published } = await leaveMade()
      expect(await act('adopt', { rotation: left.id })).toMatchObject({ outcome: 'succeeded' })
      const state = await keyState()
      expect(state).toMatchObject({ current: { accessKeyId: made }, previous: published })
      expect(await aws.keys()).toEqual(idsOf(state))
      expect(await rotated()).toMatchObject({ previous: { accessKeyId: made } })
    })
  })

  test('is removed when its rotation is discarded, and only it', async () => {
    await line.withWorker(async () => {
      const { left, made, published } = await leaveMade()
      const wrong = await act('discard', { rotation: left.id, key: published.accessKeyId })
      expect(wrong.rotations).toMatchObject([{ failureCode: 'INPUT_INVALID' }])
      expect(await aws.keys()).toEqual([published.accessKeyId, made])
      expect(await act('discard', { rotation: left.id })).toMatchObject({ outcome: 'succeeded' })
      expect(await aws.keys()).toEqual([published.accessKeyId])
      expect(await unsettled()).toEqual([])
      const after = await rotated()
      expect(await aws.keys()).toEqual(idsOf(after))
    })
  })

  test('and that never works is removed by the sweeper; one that works is left to the next rotation', async () => {
    await line.withWorker(async () => {
      const { made, published, blind } = await leaveMade()
      const usual = line.services.findRotator
      const settled = async () => {
        const { asked } = await sweepUnsettled({
          ...line.activityServices,
          wake: (described) => wake(line.on, described, 'left in doubt'),
        })
        expect(asked).toBe(1)
        await vi.waitFor(
          async () => expect((await listEvents(line.store.db, environment.id))[0]?.outcome).toBe('succeeded'),
          { timeout: 60_000 },
        )
      }
      await settled()
      expect(await aws.keys()).toEqual([published.accessKeyId, made])
      expect(await unsettled()).toHaveLength(1)
      // Another day.
      await line.store.db
        .updateTable('rotation_events')
        .set({ action: 'rotate' })
        .where('action', '=', 'settle')
        .execute()
      line.services.findRotator = blind
      await settled()
      line.services.findRotator = usual
      expect(await aws.keys()).toEqual([published.accessKeyId])
      expect(await unsettled()).toEqual([])
    })
  })

  test('is not removed by an attempt that was stopped since it wrote that down; the one after it does', async () => {
    const { services, reached, open } = gate(line.activityServices, 'by hand: written down')
    await line.withWorker(async () => {
      const { left, made, published } = await leaveMade()
      let deletes = 0
      proxy.cutAfter((chunk) => {
        if (chunk.includes('Action=DeleteAccessKey')) deletes += 1
        return false
      })
      const discarding = act('discard', { rotation: left.id })
      await reached
      await sleep(TEST_LIMITS.changeTimeout + 500)
      expect(await aws.keys()).toEqual([published.accessKeyId, made])
      open()
      expect(await discarding).toMatchObject({ outcome: 'succeeded' })
      expect(deletes).toBe(1)
      expect(await aws.keys()).toEqual([published.accessKeyId])
    }, services)
  })

  test('that a person has published meanwhile is not removed', async () => {
    await line.withWorker(async () => {
      const { left, made, published } = await leaveMade()
      const held = (await act('adopt', { rotation: left.id })).rotations
      expect(held).toMatchObject([{ outcome: 'succeeded' }])
      await line.store.db
        .updateTable('rotations')
        .set({ settled_at: null })
        .where('id', '=', left.id)
        .execute()
      const event = await act('discard', { rotation: left.id })
      expect(event.rotations).toMatchObject([
        { outcome: 'succeeded', warnings: [expect.stringContaining(made)] },
      ])
      expect(await aws.keys()).toEqual([published.accessKeyId, made])
    })
  })

  test('current is gone when it is adopted: it is published all the same, and said so', async () => {
    await line.withWorker(async () => {
      const first = (await rotated()).current!
      const { left, made, published } = await leaveMade()
      expect(published.accessKeyId).not.toBe(first.accessKeyId)
      await aws.deleteKey(published.accessKeyId)
      const event = await act('adopt', { rotation: left.id })
      expect(event.outcome).toBe('succeeded')
      expect(event.rotations[0]!.warnings).toHaveLength(1)
      expect(await keyState()).toMatchObject({ current: { accessKeyId: made } })
      expect(await aws.keys()).toEqual([made])
      const after = await rotated()
      expect(after.previous).toMatchObject({ accessKeyId: made })
    })
  })
})
