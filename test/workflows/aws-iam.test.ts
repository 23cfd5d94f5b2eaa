/** Access keys through the whole line, on moto: turns, keys of others, lost answers. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { AccessKey } from '../../rotators/aws-iam/schema.ts'
import { findRotator } from '../../rotators/index.ts'
import type { RotatorState } from '../../rotators/rotator.ts'
import type { Environment } from '../../store/environments.ts'
import { awsTarget, type AwsTarget } from '../support/aws.ts'
import { startLine, type Line } from '../support/line.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'

vi.setConfig({ testTimeout: 90_000 })

let line: Line
let undos: (() => Promise<void>)[] = []

beforeAll(async () => {
  line = await startLine({ targetBudget: 10_000 })
  // What takes AWS fifteen seconds takes moto none.
  line.services.findRotator = (name) => {
    const rotator = findRotator(name)
    return rotator?.settling
      ? { ...rotator, settling: { successes: 3, deadline: 1_500, pause: 50 } }
      : rotator
  }
})
afterAll(() => line.close())
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo()
})

async function target(options: { path?: string } = {}): Promise<AwsTarget> {
  const made = await awsTarget(options)
  undos.push(() => made.dispose())
  return made
}

interface Choices {
  inputs?: Pick<AwsTarget['inputs'], 'login' | 'region' | 'userArn'>
  keysOnlyByRekey?: boolean
  state?: AccessKey[]
}

function definition({ inputs: given }: AwsTarget, { inputs = given, keysOnlyByRekey, state }: Choices = {}) {
  const slots = (state ?? []).map(
    (key, index) => `
        ${index === 0 ? 'current' : 'previous'}:
          accessKeyId: ${key.accessKeyId}
          secretAccessKey: { fn::secret: ${key.secretAccessKey} }`,
  )
  return `values:
  aws:
    login:
      fn::open::aws-login:
        static:
          accessKeyId: ${inputs.login.accessKeyId}
          secretAccessKey: { fn::secret: '${inputs.login.secretAccessKey}' }
  key:
    fn::rotate::aws-iam:
      inputs:
        login: \${aws.login}
        userArn: ${inputs.userArn}${inputs.region === undefined ? '' : `\n        region: ${inputs.region}`}
        keysOnlyByRekey: ${keysOnlyByRekey ?? false}${state ? `\n      state:${slots.join('')}` : ''}
`
}

async function keyState(environment: Environment): Promise<RotatorState<AccessKey>> {
  return (await line.state(environment, 'key')) as unknown as RotatorState<AccessKey>
}

const idsOf = ({ current, previous }: RotatorState<AccessKey>) =>
  [previous, current].flatMap((key) => (key === null ? [] : [key.accessKeyId]))

async function rotated(environment: Environment): Promise<RotatorState<AccessKey>> {
  const event = await line.rotate(environment)
  expect(event.rotations[0]).toMatchObject({ outcome: 'succeeded', message: null })
  return await keyState(environment)
}

/** Its rotations that left something to be settled. */
async function inDoubt({ id }: Environment): Promise<(string | null)[]> {
  const rows = await line.store.db
    .selectFrom('rotations')
    .select('outcome')
    .where('environment_id', '=', id)
    .where('sent_until', 'is not', null)
    .where('settled_at', 'is', null)
    .execute()
  return rows.map(({ outcome }) => outcome)
}

describe('turns', () => {
  test('first, second, tenth, with a login that is imported: the last two keys are there, and no other', async () => {
    const { inputs, keys, logsIn } = await target({ path: '/services/app/' })
    const manager = await line.environment(`values:
  aws:
    login:
      fn::open::aws-login:
        static:
          accessKeyId: ${inputs.login.accessKeyId}
          secretAccessKey: { fn::secret: '${inputs.login.secretAccessKey}' }
`)
    const environment = await line.environment(`imports: [app/${manager.name}]
values:
  key:
    fn::rotate::aws-iam:
      inputs:
        login: \${aws.login}
        userArn: ${inputs.userArn}
`)
    await line.withWorker(async () => {
      let before: AccessKey | null = null
      for (let turn = 1; turn <= 10; turn++) {
        const state = await rotated(environment)
        expect(state.previous).toEqual(before)
        expect(await keys()).toEqual(idsOf(state))
        expect(await logsIn(state.current!)).toBe(true)
        before = state.current
      }
      expect(before?.createdAt).toMatch(/^20\d\d-\d\d-\d\dT/)
      const logged = line.logged.join()
      for (const secret of [before!.secretAccessKey, inputs.login.secretAccessKey])
        expect(logged.includes(secret)).toBe(false)
    })
  })

  test('keys that were handed over as state take their turn, an older spelling of their age with them', async () => {
    const aws = await target()
    const [previous, current] = [await aws.makeKey(), await aws.makeKey()]
    const text = definition(aws, { state: [current, previous] })
    const environment = await line.environment(
      text.replace('previous:', 'previous:\n          createDate: 2024-01-01T00:00:00Z'),
    )
    const state = await line.withWorker(() => rotated(environment))
    expect(state.previous).toEqual(current)
    expect(await aws.keys()).toEqual(idsOf(state))
  })

  test('a previous key that somebody deleted is a free slot', async () => {
    const aws = await target()
    const environment = await line.environment(definition(aws))
    await line.withWorker(async () => {
      await rotated(environment)
      const { current, previous } = await rotated(environment)
      await aws.deleteKey(previous!.accessKeyId)
      const state = await rotated(environment)
      expect(state.previous).toEqual(current)
      expect(await aws.keys()).toEqual(idsOf(state))
    })
  })
})

describe('keys of somebody else are never touched', () => {
  test('made before, between and after', async () => {
    const aws = await target()
    const before = await aws.makeKey()
    const environment = await line.environment(definition(aws))
    await line.withWorker(async () => {
      const first = await rotated(environment)
      const refused = await line.rotate(environment)
      expect(refused.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'KEY_LIMIT' }])
      expect(refused.rotations[0]!.message).toContain(before.accessKeyId)
      expect(await aws.keys()).toEqual([before.accessKeyId, first.current!.accessKeyId])

      await aws.deleteKey(before.accessKeyId)
      const after = await aws.makeKey()
      expect((await line.rotate(environment)).rotations).toMatchObject([{ failureCode: 'KEY_LIMIT' }])
      expect(await aws.keys()).toEqual([first.current!.accessKeyId, after.accessKeyId])

      await aws.deleteKey(after.accessKeyId)
      const second = await rotated(environment)
      expect(second.previous).toEqual(first.current)
      expect(await aws.keys()).toEqual(idsOf(second))
    })
  })

  test('two of them: refused, nothing is touched, nothing is left in doubt', async () => {
    const aws = await target()
    const both = [(await aws.makeKey()).accessKeyId, (await aws.makeKey()).accessKeyId]
    const environment = await line.environment(definition(aws, { keysOnlyByRekey: true }))
    await line.withWorker(async () => {
      const event = await line.rotate(environment)
      expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'KEY_LIMIT' }])
      expect(await inDoubt(environment)).toEqual([])
      for (const id of both) expect(event.rotations[0]!.message).toContain(id)
      expect(await aws.keys()).toEqual(both)
      await aws.deleteKey(both[0]!)
      await rotated(environment)
    })
  })
})

describe('what cannot work', () => {
  test('a wrong login, one that may do nothing, one of the user itself', async () => {
    const aws = await target()
    const wrong = { ...aws.inputs.login, secretAccessKey: 'wrong' }
    const powerless = await aws.loginFor(['iam:GetUser'])
    const own = await aws.makeKey()
    await line.withWorker(async () => {
      for (const [login, failureCode] of [
        [wrong, 'LOGIN_FAILED'],
        [powerless, 'TARGET_DENIED'],
        [own, 'INPUT_INVALID'],
      ] as const) {
        const text = definition(aws, { inputs: { ...aws.inputs, login } })
        const environment = await line.environment(text)
        const event = await line.rotate(environment)
        expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode }])
        expect(await inDoubt(environment)).toEqual([])
        // Its target is free for the next one.
        await line.save(environment, 'values: {}')
      }
    })
    expect(await aws.keys()).toEqual([own.accessKeyId])
  })

  test('the right to make keys is missing: known not to have changed anything, and without a wait', async () => {
    const aws = await target()
    const login = await aws.loginFor(['iam:ListAccessKeys'])
    const environment = await line.environment(definition(aws, { inputs: { ...aws.inputs, login } }))
    const event = await line.withWorker(() => line.rotate(environment))
    expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'TARGET_DENIED' }])
    expect(await inDoubt(environment)).toEqual([])
    expect(event.rotations[0]!.message).toMatch(/iam:CreateAccessKey/)
  })

  test('the user is gone, before the first rotation and after it', async () => {
    const aws = await target()
    const gone = { ...aws.inputs, userArn: `${aws.inputs.userArn}-gone` }
    const [never, once] = [
      await line.environment(definition(aws, { inputs: gone })),
      await line.environment(definition(aws)),
    ]
    await line.withWorker(async () => {
      expect((await line.rotate(never)).rotations).toMatchObject([{ failureCode: 'TARGET_NOT_FOUND' }])
      await rotated(once)
      await aws.deleteUser()
      expect((await line.rotate(once)).rotations).toMatchObject([{ failureCode: 'TARGET_CHANGED' }])
    })
  })
})

describe('the answer to CreateAccessKey is lost', () => {
  let proxy: Proxy
  let cuts: number

  async function fullHouse(keysOnlyByRekey: boolean) {
    const aws = await target()
    proxy = await startProxy(aws.address)
    undos.push(() => proxy.close())
    const text = definition(aws, { inputs: aws.via(proxy), keysOnlyByRekey })
    const environment = await line.environment(text)
    const state = await line.withWorker(async () => {
      await rotated(environment)
      return await rotated(environment)
    })
    // The answer to the first one of a full house says only that there is no room.
    let creates = 0
    cuts = 0
    proxy.cutAfter((chunk) => {
      if (!chunk.includes('Action=CreateAccessKey') || ++creates !== 2) return false
      cuts++
      return true
    })
    return { aws, text, environment, state }
  }

  test('where only Rekey makes keys: that key is deleted, another one is published', async () => {
    const { aws, environment, state } = await fullHouse(true)
    const after = await line.withWorker(() => rotated(environment))
    expect(cuts).toBe(1)
    expect(after.previous).toEqual(state.current)
    expect(await aws.keys()).toEqual(idsOf(after))
  })

  test('that key cannot be deleted until the rotation has ended: the next one knows of it', async () => {
    const { aws, environment, state } = await fullHouse(true)
    const isDeletion = (chunk: Buffer) => chunk.includes('Action=DeleteAccessKey')
    let creates = 0
    proxy.cutAfter((chunk) => {
      if (!chunk.includes('Action=CreateAccessKey') || ++creates !== 2) return false
      queueMicrotask(() => proxy.cutBefore(isDeletion))
      return true
    })
    await line.withWorker(async () => {
      const event = await line.rotate(environment)
      expect(event.rotations).toMatchObject([{ outcome: 'unknown' }])
      expect(await keyState(environment)).toEqual(state)
      proxy.relay()
      const after = await rotated(environment)
      expect(after.previous).toEqual(state.current)
      expect(await aws.keys()).toEqual(idsOf(after))
    })
  })

  test('otherwise it is a suspect: unknown, named, and left alone until a person has removed it', async () => {
    const { aws, environment, state } = await fullHouse(false)
    await line.withWorker(async () => {
      const event = await line.rotate(environment)
      expect(cuts).toBe(1)
      expect(event).toMatchObject({
        postRevision: null,
        rotations: [{ outcome: 'unknown', failureCode: 'KEY_LIMIT' }],
      })
      expect(await inDoubt(environment)).toEqual(['unknown'])
      const [kept, suspect] = await aws.keys()
      expect(kept).toBe(state.current!.accessKeyId)
      expect(event.rotations[0]!.message).toContain(suspect)
      const again = await line.rotate(environment)
      expect(again.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'KEY_LIMIT' }])
      expect(await aws.keys()).toEqual([kept, suspect])

      await aws.deleteKey(suspect!)
      const after = await rotated(environment)
      expect(after.previous).toEqual(state.current)
      expect(await aws.keys()).toEqual(idsOf(after))
    })
  })

  test('a person who says afterwards that only Rekey makes keys has settled it', async () => {
    const { aws, environment, state } = await fullHouse(false)
    await line.withWorker(async () => {
      await line.rotate(environment)
      const { text } = await line.newest(environment)
      await line.save(environment, text.replace('keysOnlyByRekey: false', 'keysOnlyByRekey: true'))
      const after = await rotated(environment)
      expect(after.previous).toEqual(state.current)
      expect(await aws.keys()).toEqual(idsOf(after))
      expect(cuts).toBe(1)
    })
    expect(await inDoubt(environment)).toEqual([])
  })
})

test('a new key that is not known everywhere yet is waited for; one that never works is kept, and taken up next', async () => {
  const aws = await target()
  const environment = await line.environment(definition(aws))
  let refusals = 4
  let tests = 0
  const usual = line.services.findRotator
  const published = new Set<string>()
  line.services.findRotator = (name) => {
    const rotator = usual(name)!
    const slow: typeof rotator.test = async (inputs, key, context) => {
      if (published.has(key.accessKeyId)) return await rotator.test(inputs, key, context)
      tests++
      return refusals-- > 0 ? 'refused' : await rotator.test(inputs, key, context)
    }
    return { ...rotator, test: slow }
  }
  undos.push(() => {
    line.services.findRotator = usual
    return Promise.resolve()
  })
  await line.withWorker(async () => {
    const first = await rotated(environment)
    expect(tests).toBe(4 + 3)
    published.add(first.current!.accessKeyId)
    refusals = Number.MAX_SAFE_INTEGER
    const event = await line.rotate(environment)
    expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'VERIFY_FAILED' }])
    const [, made] = await aws.keys()
    refusals = 0
    const state = await rotated(environment)
    expect(state).toMatchObject({ current: { accessKeyId: made }, previous: first.current })
    expect(await aws.keys()).toEqual(idsOf(state))
  })
})
