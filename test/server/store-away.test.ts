/** A save while the store goes away, in each of its phases: what did not succeed is asked again (503), never a defect (500). */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres, type PostgresServer } from '../../embedded/postgres.ts'
import { createApp } from '../../server/app.ts'
import { connectDatabase, type Database } from '../../store/database.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { startApi, type Api } from './api.ts'

const URL_OF = '/api/esc/environments/main'
const stop = new AbortController()
let folder: string
let postgres: PostgresServer
let proxy: Proxy
let api: Api
/** Behind the proxy. */
let db: Database
let app: FastifyInstance
let edits = 0

const start = (port?: number) =>
  startPostgres({
    dataDir: join(folder, 'postgres'),
    port,
    settings: { fsync: 'off', synchronous_commit: 'off' },
    signal: stop.signal,
  })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekey-away-'))
  // Passable for the user that PostgreSQL runs as when the tests run as root.
  await chmod(folder, 0o711)
  postgres = await start()
  await postgres.createDatabase('rekey')
  api = await startApi({}, { url: postgres.url('rekey'), drop: () => Promise.resolve() })
  proxy = await startProxy(postgres)
  const behind = new URL(postgres.url('rekey'))
  behind.port = String(proxy.port)
  db = connectDatabase(behind.href)
  app = createApp({ ...api.services, db })
  const made = await api.call('POST', URL_OF, { body: { project: 'p', name: 'e' } })
  expect(made.status, made.text).toBe(200)
  expect(await save()).toMatchObject({ status: 200 })
})
afterAll(async () => {
  await app?.close()
  await db?.destroy()
  await proxy?.close()
  await api?.close()
  await postgres?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function save(): Promise<{ status: number; text: string }> {
  edits += 1
  const response = await app.inject({
    method: 'PATCH',
    url: `${URL_OF}/p/e`,
    headers: { authorization: `token ${api.tokens['admin']}`, 'content-type': 'application/x-yaml' },
    payload: `values:\n  edit: ${edits}\n  password:\n    fn::secret: of-edit-${edits}\n`,
  })
  return { status: response.statusCode, text: response.payload }
}

/** What a server that is stopped or crashes says to each session. */
async function cutSessions(): Promise<void> {
  await sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = 'rekey' and pid != pg_backend_pid()`.execute(api.db)
}

/** The messages that a save sends to a store which it is connected to. */
async function messagesOfSave(): Promise<number> {
  await save()
  proxy.relay()
  expect(await save()).toMatchObject({ status: 200 })
  return proxy.requests()
}

test.each([
  ['never arrives', 'cutBefore'],
  ['arrives and its answer is lost', 'cutAfter'],
  ['finds its session ended', 'ended'],
] as const)('each message of a save in turn %s: 503, and the next save succeeds', async (_, how) => {
  const messages = await messagesOfSave()
  expect(messages).toBeGreaterThan(6)
  const statuses: number[] = []
  for (let turn = 1; turn <= messages; turn += 1) {
    let answer: Awaited<ReturnType<typeof save>>
    const mine = (_chunk: Buffer, number: number) => number === turn
    if (how === 'ended') {
      const held = proxy.hold(mine)
      const saving = save()
      await held.arrived
      await cutSessions()
      held.release()
      answer = await saving
    } else {
      proxy[how](mine)
      answer = await save()
    }
    proxy.relay()
    if (answer.status !== 200)
      expect(JSON.parse(answer.text), `message ${turn}`).toEqual({
        code: 503,
        message: expect.stringContaining('the database cannot be reached right now'),
      })
    statuses.push(answer.status)
    await expect.poll(save, { interval: 20 }).toMatchObject({ status: 200 })
  }
  expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(messages / 2)
})

test('the server is stopped in the middle of a save, is away, starts, and is back', async () => {
  const messages = await messagesOfSave()
  for (const turn of [1, messages - 1]) {
    const held = proxy.hold((_chunk, number) => number === turn)
    const saving = save()
    await held.arrived
    const { port } = postgres
    await postgres.stop()
    held.release()
    expect(await saving).toMatchObject({ status: 503 })
    expect(await save()).toMatchObject({ status: 503 })
    const starting = start(port)
    const seen = new Set<number>()
    for (let status = 0; status !== 200; seen.add(status)) status = (await save()).status
    expect(seen).toEqual(new Set([503, 200]))
    postgres = await starting
    proxy.relay()
  }
})
