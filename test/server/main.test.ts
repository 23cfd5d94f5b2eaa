/** A whole server from settings: up while its dependencies are away, ready when they come, again after they went. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../config/index.ts'
import { startServer } from '../../server/main.ts'
import { createCanary } from '../../store/canary.ts'
import { connectDatabase } from '../../store/database.ts'
import { migrate } from '../../store/migrate.ts'
import { loadKeeper } from '../../store/keeper.ts'
import { createKeyFile } from '../../store/key-file.ts'
import { createToken } from '../../store/tokens.ts'
import { addMember, ensureOrganization, ensureUser } from '../../store/users.ts'
import { freshDatabase, sharedTemporal, type FreshDatabase } from '../support/servers.ts'
import { tcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

let folder: string
let database: FreshDatabase
let postgres: TcpProxy
let temporal: TcpProxy
let settings: Record<string, string>
let token: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekey-main-'))
  database = await freshDatabase()
  const direct = new URL(database.url)
  postgres = await tcpProxy(direct.hostname, Number(direct.port))
  const shared = await sharedTemporal()
  const [host, port] = shared.address.split(':')
  temporal = await tcpProxy(host!, Number(port))
  await createKeyFile(join(folder, 'key'))
  await createKeyFile(join(folder, 'other-key'))
  const url = new URL(database.url)
  url.hostname = '127.0.0.1'
  url.port = String(postgres.port)
  settings = {
    REKEY_DATABASE_URL: url.href,
    REKEY_TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}`,
    REKEY_TASK_QUEUE: shared.taskQueue,
    REKEY_KEY_FILE: join(folder, 'key'),
    REKEY_LISTEN: '127.0.0.1:0',
    REKEY_LOG_LEVEL: 'silent',
  }
  const db = connectDatabase(database.url)
  await migrate(db)
  await createCanary(db, await loadKeeper(join(folder, 'key')))
  await ensureOrganization(db, 'main')
  await ensureUser(db, { login: 'admin' })
  await addMember(db, 'main', 'admin')
  token = (await createToken(db, { login: 'admin', name: 'test' })).token.reveal()
  await db.destroy()
})
afterAll(async () => {
  await postgres.shut()
  await temporal.shut()
  await database.drop()
  await rm(folder, { recursive: true })
})

it('starts while everything is away, says so, and recovers by itself, twice', async () => {
  const server = await startServer(loadConfig(settings))
  const get = async (path: string) => {
    const response = await fetch(`${server.url}${path}`, { headers: { authorization: `token ${token}` } })
    return { status: response.status, json: (await response.json()) as { code?: number; checks?: object } }
  }
  const ready = () => expect.poll(async () => (await get('/readyz')).status, { timeout: 15_000 })
  try {
    for (let round = 0; round < 2; round += 1) {
      expect((await get('/healthz')).status).toBe(200)
      expect(await get('/readyz')).toMatchObject({
        status: 503,
        json: { code: 503, checks: { database: 'away', Temporal: 'away' } },
      })
      expect(await get('/api/user')).toMatchObject({ status: 503, json: { code: 503 } })
      await postgres.open()
      await expect.poll(async () => (await get('/api/user')).status, { timeout: 15_000 }).toBe(200)
      expect(await get('/readyz')).toMatchObject({
        status: 503,
        json: { checks: { database: 'ok', Temporal: 'away', key: 'ok' } },
      })
      await temporal.open()
      await ready().toBe(200)
      // Gone again, in the middle of what it is asked.
      const busy = Array.from({ length: 20 }, () => get('/api/user'))
      await postgres.shut()
      await temporal.shut()
      for (const { status } of await Promise.all(busy)) expect([200, 503]).toContain(status)
    }
  } finally {
    await server.close()
  }
}, 90_000)

it('does not start with a key that is not the store’s, nor without one', async () => {
  await postgres.open()
  await expect(
    startServer(loadConfig({ ...settings, REKEY_KEY_FILE: join(folder, 'other-key') })),
  ).rejects.toThrow(/not the one that sealed this store/)
  await expect(
    startServer(loadConfig({ ...settings, REKEY_KEY_FILE: join(folder, 'none') })),
  ).rejects.toThrow(/no key file/)
  await postgres.shut()
})

it('with a wrong key and the store away serves nothing once the store is back', async () => {
  const server = await startServer(loadConfig({ ...settings, REKEY_KEY_FILE: join(folder, 'other-key') }))
  await postgres.open()
  try {
    const response = await fetch(`${server.url}/api/user`, { headers: { authorization: `token ${token}` } })
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({
      code: 503,
      message: expect.stringMatching(/key file is not the one/),
    })
  } finally {
    await server.close()
    await postgres.shut()
  }
})

it('says which address is taken', async () => {
  const first = await startServer(loadConfig(settings))
  const taken = new URL(first.url).host
  try {
    await expect(startServer(loadConfig({ ...settings, REKEY_LISTEN: taken }))).rejects.toThrow(
      `another program listens on ${taken} already`,
    )
  } finally {
    await first.close()
  }
})
