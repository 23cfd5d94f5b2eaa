import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkCanary, createCanary } from '../../store/canary.ts'
import { createEnvironment, dataKeyOf, deleteEnvironment } from '../../store/environments.ts'
import { loadKeeper } from '../../store/keeper.ts'
import { createKeyFile, fingerprint, newKey, readKeyFile, replaceKeyFile } from '../../store/key-file.ts'
import { countOlder, rewrapKeys } from '../../store/rewrap.ts'
import { SealError } from '../../store/seal.ts'
import { freshStore, type TestStore } from '../support/store.ts'

let folder: string
const file = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekey-keys-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a key file with several keys', () => {
  test('wraps with the first and opens with all, the one that waits among them', async () => {
    await createKeyFile(file('several'))
    const { keys } = await readKeyFile(file('several'))
    const before = await loadKeeper(file('several'))
    const old = await before.wrap(Buffer.from('old'))
    const [second, next] = [newKey(), newKey()]
    await replaceKeyFile(file('several'), { keys: [second, ...keys], next })
    expect((await stat(file('several'))).mode & 0o777).toBe(0o600)
    expect(await readKeyFile(file('several'))).toEqual({ keys: [second, ...keys], next })

    const now = await loadKeeper(file('several'))
    expect((await now.unwrap(old)).toString()).toBe('old')
    expect((await now.unwrapOlder(old))?.toString()).toBe('old')
    expect(await now.unwrapOlder(await now.wrap(Buffer.from('new')))).toBeUndefined()

    await replaceKeyFile(file('ahead'), { keys: [next] })
    const ahead = await (await loadKeeper(file('ahead'))).wrap(Buffer.from('ahead'))
    expect((await now.unwrap(ahead)).toString()).toBe('ahead')
  })

  test('a program that runs takes up what was written meanwhile, for wrapping as for opening', async () => {
    await createKeyFile(file('running'))
    const running = await loadKeeper(file('running'))
    const { keys } = await readKeyFile(file('running'))
    await replaceKeyFile(file('running'), { keys: [newKey(), ...keys] })
    const other = await loadKeeper(file('running'))
    const wrapped = await other.wrap(Buffer.from('by the new key'))
    expect((await running.unwrap(wrapped)).toString()).toBe('by the new key')

    await replaceKeyFile(file('running'), { keys: [newKey(), ...keys] })
    const another = await loadKeeper(file('running'))
    expect(await another.unwrapOlder(await running.wrap(Buffer.from('x')))).toBeUndefined()
  })

  test('a file that is damaged while a program runs changes nothing for it', async () => {
    await createKeyFile(file('damaged'))
    const running = await loadKeeper(file('damaged'))
    const wrapped = await running.wrap(Buffer.from('x'))
    await writeFile(file('damaged'), 'oops')
    expect((await running.unwrap(wrapped)).toString()).toBe('x')
    expect(await running.unwrapOlder(await running.wrap(Buffer.from('y')))).toBeUndefined()
  })

  test.each([
    ['only one that waits', (key: string) => `${key} next\n`],
    ['two that wait', (key: string) => `${key}\n${key} next\n${key} next\n`],
    ['words behind a key', (key: string) => `${key} newest\n`],
    ['a line that is none', (key: string) => `${key}\nsecret\n`],
  ])('refused: %s', async (name, text) => {
    const path = file(name)
    await writeFile(path, text(randomBytes(32).toString('base64')), { mode: 0o600 })
    const refused = await readKeyFile(path).catch((error: unknown) => String(error))
    expect(refused).toContain('does not hold a key')
  })

  test('a fingerprint tells keys apart and is not part of the key', () => {
    const key = newKey()
    expect(fingerprint(key)).toMatch(/^[0-9a-f]{8}$/)
    expect(fingerprint(key)).not.toBe(fingerprint(newKey()))
    expect(key.toString('hex')).not.toContain(fingerprint(key))
  })
})

describe('wrapping the store anew', () => {
  let store: TestStore
  let ids: string[]
  beforeAll(async () => {
    store = await freshStore()
    ids = []
    for (const name of ['one', 'two', 'gone']) {
      const created = await createEnvironment(store.db, store.keeper, {
        organization: 'acme',
        project: 'app',
        name,
        creator: 'ada',
      })
      ids.push(created.id)
    }
    await deleteEnvironment(store.db, { id: ids[2]!, login: 'ada' })
  })
  afterAll(() => store.close())

  test('what was sealed and hashed before is what it was, tombstones included; the old key opens none of it', async () => {
    const sealed = []
    for (const id of ids) {
      const dataKey = await dataKeyOf(store.db, store.keeper, id)
      sealed.push(dataKey.seal('definition', '', Buffer.from(`secret of ${id}`)))
    }
    const hash = store.keeper.hmac('a credential')
    const old = await readKeyFile(store.keyFile)
    await replaceKeyFile(store.keyFile, { keys: [newKey(), ...old.keys] })

    expect(await countOlder(store.db, await loadKeeper(store.keyFile))).toEqual({ older: 5, total: 5 })
    const [first, second] = await Promise.all([
      rewrapKeys(store.db, await loadKeeper(store.keyFile)),
      rewrapKeys(store.db, await loadKeeper(store.keyFile)),
    ])
    expect(first.rewrapped + second.rewrapped).toBe(5)
    expect(await rewrapKeys(store.db, await loadKeeper(store.keyFile))).toEqual({ rewrapped: 0, total: 5 })

    await replaceKeyFile(store.keyFile, { keys: [(await readKeyFile(store.keyFile)).keys[0]!] })
    const fresh = await loadKeeper(store.keyFile)
    await checkCanary(store.db, fresh)
    expect(fresh.hmac('a credential')).toEqual(hash)
    for (const [index, id] of ids.entries()) {
      const dataKey = await dataKeyOf(store.db, fresh, id)
      expect(dataKey.open('definition', '', sealed[index]!).toString()).toBe(`secret of ${id}`)
    }
    await replaceKeyFile(file('old'), old)
    const before = await loadKeeper(file('old'))
    await expect(checkCanary(store.db, before)).rejects.toThrow('not the one that sealed this store')
    for (const id of ids) await expect(dataKeyOf(store.db, before, id)).rejects.toThrow(SealError)
    const { action } = await store.db
      .selectFrom('audit_log')
      .select('action')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow()
    expect(action).toBe('key.rotate')
  })

  test('two stores hash with keys of their own', async () => {
    const other = await freshStore()
    try {
      expect(other.keeper.hmac('x')).not.toEqual(store.keeper.hmac('x'))
    } finally {
      await other.close()
    }
  })

  test('a store from before keeps the hashes that it has', async () => {
    const other = await freshStore()
    try {
      await other.db.updateTable('key_canary').set({ hash_key: null }).execute()
      const keeper = await loadKeeper(other.keyFile)
      await expect(checkCanary(other.db, keeper)).rejects.toThrow('rekey migrate')
      await createCanary(other.db, keeper)
      const line = (await readFile(other.keyFile, 'utf8')).trim()
      // As the first version derived it from the key file itself.
      const derived = hkdfSync('sha256', Buffer.from(line, 'base64'), '', 'rekey/hmac/credential/1', 32)
      expect(keeper.hmac('x')).toEqual(createHmac('sha256', Buffer.from(derived)).update('x').digest())
    } finally {
      await other.close()
    }
  })
})
