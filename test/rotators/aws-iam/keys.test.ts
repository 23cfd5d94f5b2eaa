/** Whose key is it: keys of others before, while and after Rekey works are never touched. On moto. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { awsIam } from '../../../rotators/aws-iam.ts'
import type { AccessKey, PreparedKey } from '../../../rotators/aws-iam/schema.ts'
import { WriteDownFirst, type RotatorState } from '../../../rotators/rotator.ts'
import { awsTarget, LEAST_ACTIONS, type AwsTarget } from '../../support/aws.ts'
import { startProxy } from '../../support/proxy.ts'
import { NOTHING_YET, applied, failureOf, limits } from '../contract/bench.ts'
import { applyElsewhere } from '../contract/late.ts'

let undos: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo()
})

async function target(path?: string): Promise<AwsTarget> {
  const made = await awsTarget(path === undefined ? {} : { path })
  undos.push(() => made.dispose())
  return made
}

const state = (current: AccessKey | null, previous: AccessKey | null = null): RotatorState<AccessKey> => ({
  current,
  previous,
})

async function writtenFirst(work: Promise<unknown>): Promise<PreparedKey> {
  const error = await work.then(
    () => expect.unreachable('should have asked to write down first'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(WriteDownFirst)
  return (error as WriteDownFirst<PreparedKey>).prepared
}

describe('keys of somebody else', () => {
  test('made before: the first rotation works beside it, the second says which key is in the way', async () => {
    const { inputs, keys, makeKey, loginFor } = await target()
    const foreign = await makeKey()
    const current = await awsIam.apply(inputs, await awsIam.prepare(inputs, NOTHING_YET, limits()), limits())
    const refused = await failureOf(awsIam.prepare(inputs, state(current), limits()), 'KEY_LIMIT', [
      foreign.secretAccessKey,
    ])
    expect(refused.message).toContain(foreign.accessKeyId)
    expect(refused.message).not.toContain(current.accessKeyId)
    expect(refused.message).toMatch(/made 20\d\d-.*last use not known/)
    const login = await loginFor([...LEAST_ACTIONS, 'iam:GetAccessKeyLastUsed'])
    const told = await failureOf(awsIam.prepare({ ...inputs, login }, state(current), limits()), 'KEY_LIMIT')
    expect(told.message).toMatch(/never used|last used 20\d\d-/)
    expect(await keys()).toEqual([foreign.accessKeyId, current.accessKeyId])
  })

  test('two of them: refused before anything is sent, also for who says that only Rekey makes keys', async () => {
    const { inputs, keys, makeKey } = await target()
    const both = [(await makeKey()).accessKeyId, (await makeKey()).accessKeyId]
    for (const keysOnlyByRekey of [false, true]) {
      const prepared = awsIam.prepare({ ...inputs, keysOnlyByRekey }, NOTHING_YET, limits())
      const { message } = await failureOf(prepared, 'KEY_LIMIT')
      for (const id of both) expect(message).toContain(id)
    }
    expect(await keys()).toEqual(both)
  })

  test('handed over as previous, it may be deleted, once that is written down', async () => {
    const { inputs, keys, makeKey } = await target()
    const [previous, current] = [await makeKey(), await makeKey()]
    const prepared = await awsIam.prepare(inputs, state(current, previous), limits())
    expect(prepared).toMatchObject({ remove: null, previous: previous.accessKeyId })
    const written = await writtenFirst(awsIam.apply(inputs, prepared, limits()))
    expect(await keys()).toEqual([previous.accessKeyId, current.accessKeyId])
    expect(written).toEqual({ ...prepared, remove: previous.accessKeyId })
    const made = await awsIam.apply(inputs, written, limits())
    expect(await keys()).toEqual([current.accessKeyId, made.accessKeyId])
  })

  test.for([false, true])('made while we work, keysOnlyByRekey %s', async (keysOnlyByRekey) => {
    const { inputs: given, keys, makeKey } = await target()
    const inputs = { ...given, keysOnlyByRekey }
    const current = await makeKey()
    const prepared = await awsIam.prepare(inputs, state(current), limits())
    const foreign = await makeKey()
    if (keysOnlyByRekey) {
      // That is what saying so means: it is taken for the one whose answer was lost.
      const written = await writtenFirst(awsIam.apply(inputs, prepared, limits()))
      expect(written.remove).toBe(foreign.accessKeyId)
    } else {
      const failure = await failureOf(awsIam.apply(inputs, prepared, limits()), 'KEY_LIMIT')
      expect(failure.message).toContain(foreign.accessKeyId)
      expect(failure.unchanged).toBe(true)
      const answer = await awsIam.recover!(inputs, prepared, limits())
      expect(answer).toEqual({ suspects: [expect.stringContaining(foreign.accessKeyId)] })
    }
    expect(await keys()).toEqual([current.accessKeyId, foreign.accessKeyId])
  })

  test('made in the moment between deleting and making: left alone', async () => {
    const { inputs, via, keys, makeKey, address } = await target()
    const [previous, current] = [await makeKey(), await makeKey()]
    const proxy = await startProxy(address)
    undos.push(() => proxy.close())
    const prepared = { ...(await awsIam.prepare(inputs, state(current, previous), limits())) }
    const written = { ...prepared, remove: previous.accessKeyId }
    const held = proxy.hold((chunk) => chunk.includes('Action=CreateAccessKey'))
    const attempt = awsIam.apply(via(proxy), written, limits())
    await held.arrived
    const foreign = await makeKey()
    held.release()
    const { message } = await failureOf(attempt, 'KEY_LIMIT')
    expect(message).toContain(foreign.accessKeyId)
    expect(await keys()).toEqual([current.accessKeyId, foreign.accessKeyId])
  })

  test('a published key that is merely new is never a suspect', async () => {
    const { inputs: given, keys, makeKey } = await target()
    const inputs = { ...given, keysOnlyByRekey: true }
    const prepared = await awsIam.prepare(inputs, NOTHING_YET, limits())
    const published = await makeKey()
    expect(await awsIam.recover!(inputs, prepared, limits(), state(published))).toBe('not made')
    expect(await awsIam.recover!(inputs, prepared, limits())).toMatchObject({
      instead: { remove: published.accessKeyId },
    })
    await failureOf(
      awsIam.apply(
        inputs,
        { ...prepared, current: published.accessKeyId, remove: published.accessKeyId },
        limits(),
      ),
      'INTERNAL',
    )
    expect(await keys()).toEqual([published.accessKeyId])
  })
})

describe('the answer to CreateAccessKey is lost', () => {
  async function lost(keysOnlyByRekey: boolean) {
    const { inputs: given, via, address, keys, makeKey, logsIn } = await target()
    const inputs = { ...given, keysOnlyByRekey }
    const [previous, current] = [await makeKey(), await makeKey()]
    let prepared = await awsIam.prepare(inputs, state(current, previous), limits())
    const proxy = await startProxy(address)
    undos.push(() => proxy.close())
    // Every one of them: the first only says that there is no room.
    let creates = 0
    proxy.cutAfter((chunk) => chunk.includes('Action=CreateAccessKey') && ++creates === 2)
    const attempt = applied(awsIam, { ...via(proxy), keysOnlyByRekey }, prepared, (instead) => {
      prepared = instead
    })
    await failureOf(attempt, 'TARGET_UNREACHABLE', [given.login.secretAccessKey])
    const [kept, suspect, ...others] = await keys()
    expect(kept).toBe(current.accessKeyId)
    expect(others).toEqual([])
    return { inputs, prepared, current, suspect: suspect!, keys, logsIn }
  }

  test('one key was made, not two; a person decides what becomes of it', async () => {
    const { inputs, prepared, suspect, current, keys } = await lost(false)
    expect(suspect).toBeDefined()
    expect(await awsIam.recover!(inputs, prepared, limits())).toEqual({
      suspects: [expect.stringContaining(suspect)],
    })
    expect(await keys()).toEqual([current.accessKeyId, suspect])
  })

  test('where only Rekey makes keys, it is deleted and made anew', async () => {
    const { inputs, prepared, suspect, current, keys, logsIn } = await lost(true)
    const answer = await awsIam.recover!(inputs, prepared, limits())
    expect(answer).toMatchObject({ instead: { remove: suspect, seen: prepared.seen } })
    const { instead } = answer as { instead: PreparedKey }
    const made = await awsIam.apply(inputs, instead, limits())
    expect(await keys()).toEqual([current.accessKeyId, made.accessKeyId])
    expect(await logsIn(made)).toBe(true)
  })

  test('as long as it was not deleted it is not forgotten, however often that is tried', async () => {
    const { inputs, prepared, suspect, current, keys } = await lost(true)
    const { instead } = (await awsIam.recover!(inputs, prepared, limits())) as { instead: PreparedKey }
    // What was to delete it came to nothing: the rotation after it must know of it too.
    expect(await awsIam.recover!(inputs, instead, limits())).toEqual({ instead })
    const careful = { ...inputs, keysOnlyByRekey: false }
    expect(await awsIam.recover!(careful, instead, limits())).toEqual({
      suspects: [expect.stringContaining(suspect)],
    })
    await awsIam.removeSuspect!(careful, instead, suspect, limits(), state(current))
    expect(await keys()).toEqual([current.accessKeyId])
    expect(await awsIam.recover!(inputs, instead, limits())).toBe('not made')
  })

  test('killed before or after the deletion: nothing was made, and the same again works', async () => {
    const { inputs, makeKey, deleteKey, keys } = await target()
    for (const deleted of [false, true]) {
      for (const id of await keys()) await deleteKey(id)
      const [previous, current] = [await makeKey(), await makeKey()]
      const prepared = await awsIam.prepare(inputs, state(current, previous), limits())
      const written = await writtenFirst(awsIam.apply(inputs, prepared, limits()))
      if (deleted) await deleteKey(previous.accessKeyId)
      expect(await awsIam.recover!(inputs, written, limits())).toBe('not made')
      const made = await awsIam.apply(inputs, written, limits())
      expect(await keys()).toEqual([current.accessKeyId, made.accessKeyId])
    }
  })
})

describe('refused', () => {
  test('the login is a key of the very user that is rotated', async () => {
    const { inputs, makeKey, keys } = await target('/some/path/')
    const login = await makeKey()
    const { message } = await failureOf(
      awsIam.prepare({ ...inputs, login }, NOTHING_YET, limits()),
      'INPUT_INVALID',
      [login.secretAccessKey],
    )
    expect(message).toMatch(/the very user/)
    expect(await keys()).toEqual([login.accessKeyId])
  })

  test('the user is in another account than the login, also when the login was changed meanwhile', async () => {
    const { inputs, userName, keys, loginFor } = await target()
    const elsewhere = { ...inputs, userArn: `arn:aws:iam::999999999999:user/${userName}` }
    const { message } = await failureOf(awsIam.prepare(elsewhere, NOTHING_YET, limits()), 'INPUT_INVALID')
    expect(message).toMatch(/belongs to account 123456789012 .* account 999999999999/)
    const prepared = await awsIam.prepare(inputs, NOTHING_YET, limits())
    const other = { ...elsewhere, login: await loginFor(LEAST_ACTIONS) }
    await failureOf(awsIam.apply(other, prepared, limits()), 'INPUT_INVALID')
    await failureOf(awsIam.recover!(other, prepared, limits()), 'INPUT_INVALID')
    const key = { accessKeyId: 'AKIAANY', secretAccessKey: 'x' }
    await failureOf(awsIam.remove!(elsewhere, key, limits()), 'INPUT_INVALID')
    expect(await keys()).toEqual([])
  })

  test('the user is gone', async () => {
    const { inputs, deleteUser } = await target()
    const prepared = await awsIam.prepare(inputs, NOTHING_YET, limits())
    await deleteUser()
    await failureOf(awsIam.prepare(inputs, NOTHING_YET, limits()), 'TARGET_NOT_FOUND')
    await failureOf(awsIam.apply(inputs, prepared, limits()), 'TARGET_NOT_FOUND')
    await failureOf(awsIam.apply(inputs, { ...prepared, remove: 'AKIAGONE' }, limits()), 'TARGET_NOT_FOUND')
  })

  test('a key of another user does not pass for one of this', async () => {
    const [one, other] = [await target(), await target()]
    const key = await other.makeKey()
    await failureOf(awsIam.test(one.inputs, key, limits()), 'VERIFY_FAILED', [key.secretAccessKey])
    expect(await awsIam.test(other.inputs, key, limits())).toBe('works')
    expect(await awsIam.test(other.inputs, { ...key, secretAccessKey: 'wrong' }, limits())).toBe('refused')
  })

  test('a key is removed, once and again', async () => {
    const { inputs, makeKey, keys } = await target()
    const key = await makeKey()
    await awsIam.remove!(inputs, key, limits())
    expect(await awsIam.test(inputs, key, limits())).toBe('refused')
    await awsIam.remove!(inputs, key, limits())
    expect(await keys()).toEqual([])
  })
})

test('a process that is stopped before it sent the change and wakes up late makes no key', async () => {
  const { inputs, via, address, keys } = await target()
  const proxy = await startProxy(address)
  undos.push(() => proxy.close())
  const prepared = await awsIam.prepare(inputs, NOTHING_YET, limits())
  const held = proxy.hold((chunk) => chunk.includes('Action=ListAccessKeys'))
  const { child, outcome } = await applyElsewhere('aws-iam', via(proxy), prepared, () => {
    const { signal: _, ...context } = limits({ timeout: 20_000, sendBy: Date.now() + 2_000 })
    return context
  })
  undos.push(async () => void child.kill('SIGKILL'))
  await held.arrived
  child.kill('SIGSTOP')
  await sleep(2_200)
  held.release()
  await sleep(200)
  child.kill('SIGCONT')
  expect(await outcome).toBe('TARGET_TIMEOUT')
  expect(await keys()).toEqual([])
})
