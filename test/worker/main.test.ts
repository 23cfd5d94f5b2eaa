/** A whole worker from settings: up while its dependencies are away, at work when they come, again after they went. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, mkdtemp } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../embedded/free-port.ts'
import { createKeyFile } from '../../store/key-file.ts'
import { COMPILE_CACHE } from '../support/compile-cache.ts'
import { rotatedDefinition, startLine, type Line } from '../support/line.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'
import { tcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

let line: Line
let target: TargetDatabase
let postgres: TcpProxy
let temporal: TcpProxy
let settings: Record<string, string>
let health: string
const children: ChildProcess[] = []

beforeAll(async () => {
  line = await startLine()
  target = await targetDatabase()
  const store = new URL(line.store.url)
  postgres = await tcpProxy(store.hostname, Number(store.port))
  const [host, port] = line.temporal.address.split(':')
  temporal = await tcpProxy(host!, Number(port))
  store.port = String(postgres.port)
  store.hostname = '127.0.0.1'
  const listen = `127.0.0.1:${await freePort()}`
  health = `http://${listen}`
  settings = {
    REKEY_DATABASE_URL: store.href,
    REKEY_TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}`,
    REKEY_TASK_QUEUE: line.temporal.taskQueue,
    REKEY_KEY_FILE: line.store.keyFile,
    REKEY_WORKER_LISTEN: listen,
    REKEY_MIN_MANUAL_AGE: '0s',
    REKEY_RECONCILE_INTERVAL: '1s',
    REKEY_LOG_LEVEL: 'silent',
  }
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await postgres.shut()
  await temporal.shut()
  await target.drop()
  await line.close()
})

/** The program itself, as an operator starts it. */
function startWorker(env: Record<string, string>) {
  const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, 'worker'], {
    env: { ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  children.push(child)
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  const ended = once(child, 'exit').then(([code]) => ({ code: code as number | null, errors }))
  return { child, ended }
}

async function ready(): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${health}/readyz`)
  return { status: answer.status, text: await answer.text() }
}

async function until(status: number): Promise<string> {
  const deadline = Date.now() + 40_000
  for (;;) {
    const answer = await ready().catch(() => ({ status: 0, text: '' }))
    if (answer.status === status) return answer.text
    if (Date.now() > deadline) throw new Error(`not ${status} in time: ${answer.status} ${answer.text}`)
    await sleep(200)
  }
}

test(
  'it waits for what is away, works when it is there, and recovers by itself',
  { timeout: 120_000 },
  async () => {
    const worker = startWorker(settings)
    expect(await until(503)).toMatch(/the database, Temporal, the task queue cannot be used/)
    expect((await fetch(`${health}/healthz`)).status).toBe(200)
    await postgres.open()
    await temporal.open()
    await until(200)
    const environment = await line.environment(rotatedDefinition(target))
    expect((await line.rotate(environment)).outcome).toBe('succeeded')

    for (const [dependency, name] of [
      [temporal, 'Temporal'],
      [postgres, 'the database'],
    ] as const) {
      await dependency.shut()
      expect(await until(503)).toContain(name)
      await dependency.open()
      await until(200)
      expect((await line.rotate(environment)).outcome).toBe('succeeded')
    }
    worker.child.kill('SIGTERM')
    expect(await worker.ended).toEqual({ code: 0, errors: '' })
    await expect(fetch(`${health}/healthz`)).rejects.toThrow()
  },
)

test.each([
  ['the database is', () => Promise.all([postgres.shut(), temporal.shut()])],
  ['Temporal is', () => Promise.all([postgres.open().catch(() => {}), temporal.shut()])],
])('it ends when told to while %s away, and waits for nobody', async (_, prepare) => {
  await prepare()
  const worker = startWorker(settings)
  await until(503)
  await sleep(1_000)
  const toldAt = performance.now()
  worker.child.kill('SIGTERM')
  expect(await worker.ended).toEqual({ code: 0, errors: '' })
  // Its own part is a second or two; Temporal's clients would wait for ten.
  expect(performance.now() - toldAt).toBeLessThan(6_000)
})

test('a key file that did not seal this store ends it with a sentence', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-worker-'))
  const keyFile = join(folder, 'key')
  try {
    await createKeyFile(keyFile)
    await postgres.open().catch(() => {})
    const wrong = await startWorker({ ...settings, REKEY_KEY_FILE: keyFile }).ended
    expect(wrong).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/not the one that sealed this store/),
    })
    const missing = await startWorker({ ...settings, REKEY_KEY_FILE: join(folder, 'none') }).ended
    expect(missing).toMatchObject({ code: 1, errors: expect.stringMatching(/there is no key file/) })
  } finally {
    await rm(folder, { recursive: true })
  }
})
