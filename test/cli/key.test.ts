import { existsSync } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import { CreateAliasCommand, CreateKeyCommand, DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { checkCanary } from '../../store/canary.ts'
import { createEnvironment, dataKeyOf } from '../../store/environments.ts'
import { loadKeeper } from '../../store/keeper.ts'
import { fingerprint, readKeyFile } from '../../store/key-file.ts'
import { sharedMoto, uniqueName } from '../support/servers.ts'
import { freshStore, type TestStore } from '../support/store.ts'
import { commandLine, type CommandLine } from './command-line.ts'

let store: TestStore
let cli: CommandLine
const env = () => ({ REKEY_DATABASE_URL: store.url, REKEY_KEY_FILE: store.keyFile })

beforeAll(async () => {
  store = await freshStore()
  cli = await commandLine(env())
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await cli.close()
  await store.close()
})

async function newEnvironment(): Promise<string> {
  const named = { organization: 'acme', project: 'app', name: uniqueName('env') }
  return (await createEnvironment(store.db, store.keeper, { ...named, creator: 'ada' })).id
}

/** What a program that was started before, and knows only the keys of then, still opens. */
async function opens(keeper: TestStore['keeper'], id: string, sealed: Buffer): Promise<string> {
  return (await dataKeyOf(store.db, keeper, id)).open('definition', '', sealed).toString()
}

test('add, rotate, retire: programs that run never notice, and the old key ends up opening nothing', async () => {
  const id = await newEnvironment()
  const sealed = (await dataKeyOf(store.db, store.keeper, id)).seal('definition', '', Buffer.from('s'))
  const running = await loadKeeper(store.keyFile)
  const before = await readKeyFile(store.keyFile)

  const added = await cli.run(['key', 'add', '--json'])
  expect(added.code).toBe(0)
  expect((await readKeyFile(store.keyFile)).keys).toEqual(before.keys)
  // Once more, for instance after the copying failed: the same one.
  expect((await cli.run(['key', 'add', '--json'])).stdout).toBe(added.stdout)
  const listed = await cli.run(['key', 'ls'])
  expect(listed.stdout).toMatch(/wraps and opens[^]*next/)

  const { code, stdout } = await cli.run(['key', 'rotate', '--json'])
  expect(code).toBe(0)
  const { name } = JSON.parse(added.stdout)
  expect(JSON.parse(stdout)).toEqual({ name, rewrapped: 3, total: 3 })
  expect(await opens(running, id, sealed)).toBe('s')
  const later = await newEnvironment()

  const retired = await cli.run(['key', 'retire', '--json'])
  expect(JSON.parse(retired.stdout).removed).toEqual(before.keys.map((key) => fingerprint(key)))
  expect((await readKeyFile(store.keyFile)).keys).toHaveLength(1)
  expect((await stat(store.keyFile)).mode & 0o777).toBe(0o600)
  const restarted = await loadKeeper(store.keyFile)
  await checkCanary(store.db, restarted)
  expect(await opens(restarted, id, sealed)).toBe('s')
  await dataKeyOf(store.db, restarted, later)
  for (const { stdout, stderr } of [listed, added, retired])
    for (const line of (await readFile(store.keyFile, 'utf8')).trim().split('\n'))
      expect(stdout + stderr).not.toContain(line)
}, 60_000)

test('rotate without add makes a key; what was cut off before goes on instead of making another', async () => {
  const first = JSON.parse((await cli.run(['key', 'rotate', '--json'])).stdout)
  expect(first.rewrapped).toBe(first.total)
  // As if it had ended after the file was replaced: one key is still wrapped by the one before.
  const [, previous] = (await readKeyFile(store.keyFile)).keys
  const id = await newEnvironment()
  const { wrapWith } = await import('../../store/key-file.ts')
  const opened = await store.keeper.unwrap(
    (
      await store.db
        .selectFrom('environments')
        .select('data_key')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
    ).data_key,
  )
  await store.db
    .updateTable('environments')
    .set({ data_key: wrapWith(previous!, opened) })
    .where('id', '=', id)
    .execute()
  const second = JSON.parse((await cli.run(['key', 'rotate', '--json'])).stdout)
  expect(second).toEqual({ name: first.name, rewrapped: 1, total: first.total + 1 })
})

test('a key that is not of this store changes nothing', async () => {
  const other = await freshStore()
  try {
    const before = await readFile(other.keyFile)
    for (const command of ['ls', 'add', 'rotate', 'retire']) {
      const { code, stderr } = await cli.run(['key', command], { env: { REKEY_KEY_FILE: other.keyFile } })
      expect(code).toBe(1)
      expect(stderr).toContain('not the one that sealed this store')
    }
    expect(await readFile(other.keyFile)).toEqual(before)
  } finally {
    await other.close()
  }
})

test('from the key file to AWS KMS while a program runs, and to another key there', async () => {
  const moto = await sharedMoto()
  vi.stubEnv('AWS_ENDPOINT_URL_KMS', moto.endpoint)
  vi.stubEnv('AWS_REGION', 'eu-central-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', moto.admin.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', moto.admin.secretAccessKey)
  const kms = new KMSClient({})
  const keys = await Promise.all([0, 1].map(() => kms.send(new CreateKeyCommand({}))))
  const [one, two] = keys.map(({ KeyMetadata }) => KeyMetadata!.KeyId!) as [string, string]
  const AliasName = `alias/${uniqueName('rekey')}`
  await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: one }))
  kms.destroy()

  const id = await newEnvironment()
  const hash = store.keeper.hmac('a credential')
  const running = await loadKeeper(store.keyFile, one)
  await checkCanary(store.db, running)
  const moved = JSON.parse(
    (await cli.run(['key', 'rotate', '--json'], { env: { REKEY_KMS_KEY: AliasName } })).stdout,
  )
  expect(moved.rewrapped).toBe(moved.total)
  await dataKeyOf(store.db, running, id)

  await rm(store.keyFile)
  const withoutFile = await loadKeeper(store.keyFile, AliasName)
  await checkCanary(store.db, withoutFile)
  expect(withoutFile.hmac('a credential')).toEqual(hash)
  await dataKeyOf(store.db, withoutFile, id)
  const again = await cli.run(['key', 'rotate', '--json'], { env: { REKEY_KMS_KEY: AliasName } })
  expect(JSON.parse(again.stdout).rewrapped).toBe(0)

  const send = vi.spyOn(KMSClient.prototype, 'send')
  const other = JSON.parse(
    (await cli.run(['key', 'rotate', '--json'], { env: { REKEY_KMS_KEY: two } })).stdout,
  )
  expect(other.rewrapped).toBe(moved.total)
  // AWS counts every question: one for each key, and two for the canary at the start.
  const decrypted = send.mock.calls.filter(([command]) => command instanceof DecryptCommand)
  expect(decrypted).toHaveLength(moved.total + 2)
  send.mockRestore()
  const listed = await cli.run(['key', 'ls'], { env: { REKEY_KMS_KEY: two } })
  expect(listed.stderr).toContain(`wraps ${moved.total} of ${moved.total}`)
  expect(existsSync(store.keyFile)).toBe(false)

  const wrong = await cli.run(['key', 'rotate'], { env: { REKEY_KMS_KEY: 'alias/none' } })
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toContain('REKEY_KMS_KEY')
}, 60_000)
