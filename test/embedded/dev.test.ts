/** `rekey dev` as a process of its own: what it prints, how it ends, and what is left behind. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { processIdentity } from '../../embedded/process-identity.ts'

const COMMAND_LINE = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const PARTS = ['server', 'worker', 'temporal/temporal.db', 'postgres']
const SLOW = 120_000
/** What the person's shell has for the Temporal of their company means nothing to this one. */
const OF_ANOTHER_TEMPORAL = {
  REKEY_TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
  REKEY_TEMPORAL_API_KEY_FILE: '/nowhere',
}

interface Dev {
  child: ChildProcess
  /** What it printed so far. */
  printed: { stdout: string; stderr: string }
  url: string
  temporalUrl: string
  ended: Promise<number | null>
}

let folder: string
let started: ChildProcess[] = []

beforeEach(async () => {
  const parent = await mkdtemp(join(tmpdir(), 'rekey-dev-'))
  // Passable for the user that PostgreSQL runs as when the tests run as root.
  await chmod(parent, 0o711)
  folder = join(parent, 'data')
})

afterEach(async () => {
  // Whatever a failed test left running is found by its pid files.
  const left = await pids()
  for (const child of started) child.kill('SIGKILL')
  for (const pid of left) endQuietly(pid)
  started = []
  await rm(join(folder, '..'), { recursive: true, force: true })
})

function launch(...args: string[]): Omit<Dev, 'url' | 'temporalUrl'> {
  const child = spawn(
    process.execPath,
    [COMMAND_LINE, 'dev', '--data-dir', folder, '--listen', '127.0.0.1:0', ...args],
    { env: { ...process.env, ...OF_ANOTHER_TEMPORAL }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  started.push(child)
  const printed = { stdout: '', stderr: '' }
  child.stdout!.on('data', (chunk) => (printed.stdout += String(chunk)))
  child.stderr!.on('data', (chunk) => (printed.stderr += String(chunk)))
  return { child, printed, ended: once(child, 'close').then(([code]) => code as number | null) }
}

async function start(...args: string[]): Promise<Dev> {
  const dev = launch(...args)
  const early = dev.ended.then((code) => {
    throw new Error(`ended with ${code} before it was ready: ${dev.printed.stderr}`)
  })
  const ready = expect
    .poll(() => dev.printed.stdout, { timeout: 90_000, interval: 50 })
    .toMatch(/^rekey ready http:\/\/127\.0\.0\.1:\d+ http:\/\/127\.0\.0\.1:\d+\n$/)
  await Promise.race([ready, early])
  early.catch(() => undefined)
  const [, , url = '', temporalUrl = ''] = dev.printed.stdout.trim().split(' ')
  return { ...dev, url, temporalUrl }
}

async function pidOf(part: string): Promise<number> {
  const { pid } = JSON.parse(await readFile(join(folder, `${part}.pid`), 'utf8')) as { pid: number }
  return pid
}

async function pids(): Promise<number[]> {
  return Promise.all(PARTS.filter((part) => existsSync(join(folder, `${part}.pid`))).map(pidOf))
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

async function environments({ url }: Dev): Promise<string[]> {
  const token = (await readFile(join(folder, 'admin-token'), 'utf8')).trim()
  const answer = await fetch(`${url}/api/esc/environments/main`, {
    headers: { authorization: `token ${token}` },
  })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { environments: { name: string }[] }).environments.map(({ name }) => name)
}

async function makeEnvironment({ url }: Dev, name: string): Promise<void> {
  const token = (await readFile(join(folder, 'admin-token'), 'utf8')).trim()
  const answer = await fetch(`${url}/api/esc/environments/main`, {
    method: 'POST',
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ project: 'p', name }),
  })
  expect(answer.status).toBe(200)
}

test(
  'one line when it can serve; SIGTERM ends all of it with 0; the next start has the state',
  { timeout: SLOW },
  async () => {
    const dev = await start()
    expect((await fetch(dev.temporalUrl)).status).toBe(200)
    await makeEnvironment(dev, 'kept')
    const token = await readFile(join(folder, 'admin-token'), 'utf8')
    expect((await stat(join(folder, 'temporal'))).mode & 0o777).toBe(0o700)
    for (const file of ['admin-token', 'key'])
      expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600)
    expect(dev.printed.stderr).not.toContain(token.trim())
    expect((await readdir(join(folder, 'logs'))).sort()).toEqual([
      'postgres.log',
      'server.log',
      'temporal.log',
      'worker.log',
    ])

    const second = launch()
    expect(await second.ended).toBe(1)
    expect(second.printed).toEqual({
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(`^rekey: rekey dev already runs on .+ as process ${dev.child.pid}: .+\n$`),
      ),
    })

    const parts = await pids()
    expect(parts).toHaveLength(4)
    dev.child.kill('SIGTERM')
    expect(await dev.ended).toBe(0)
    expect(parts.filter((pid) => processIdentity(pid))).toEqual([])
    expect(dev.printed.stdout).toBe(`rekey ready ${dev.url} ${dev.temporalUrl}\n`)
    expect((await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.pid'))).toEqual([])

    const again = await start()
    expect(await environments(again)).toEqual(['kept'])
    expect(await readFile(join(folder, 'admin-token'), 'utf8')).toBe(token)
    again.child.kill('SIGINT')
    expect(await again.ended).toBe(0)
  },
)

test(
  'a child that dies is named, and ends the whole with a code that is not 0',
  { timeout: SLOW },
  async () => {
    const dev = await start()
    const parts = await pids()
    process.kill(await pidOf('worker'), 'SIGKILL')
    expect(await dev.ended).toBe(1)
    expect(dev.printed.stderr).toContain('the worker was ended by SIGKILL')
    expect(parts.filter((pid) => processIdentity(pid))).toEqual([])
  },
)

test(
  'after SIGKILL the next start ends what was left running, and has the state',
  { timeout: SLOW },
  async () => {
    const dev = await start()
    await makeEnvironment(dev, 'kept')
    const orphans = await pids()
    dev.child.kill('SIGKILL')
    await dev.ended
    expect(orphans.filter((pid) => processIdentity(pid))).toHaveLength(4)
    // On the port that the orphan holds.
    const again = await start('--listen', new URL(dev.url).host)
    expect(orphans.filter((pid) => processIdentity(pid))).toEqual([])
    expect(await environments(again)).toEqual(['kept'])
    again.child.kill('SIGTERM')
    expect(await again.ended).toBe(0)
  },
)

test('SIGTERM while it starts leaves nothing running', { timeout: SLOW }, async () => {
  const dev = launch()
  await expect
    .poll(() => dev.printed.stderr, { timeout: 60_000, interval: 20 })
    .toContain('starting the worker')
  await expect.poll(() => pids().then(({ length }) => length), { timeout: 10_000 }).toBe(4)
  const parts = await pids()
  dev.child.kill('SIGTERM')
  expect(await dev.ended).toBe(0)
  expect(dev.printed.stdout).toBe('')
  expect(parts.filter((pid) => processIdentity(pid))).toEqual([])
})
