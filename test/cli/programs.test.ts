/** `migrate`, `server` and `worker` as an operator meets them: right, wrong and absent settings. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../embedded/free-port.ts'
import { COMPILE_CACHE } from '../support/compile-cache.ts'
import { freshDatabase, sharedTemporal, type FreshDatabase } from '../support/servers.ts'
import { commandLine, type CommandLine } from './command-line.ts'

const COMMAND_LINE = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

let database: FreshDatabase
let cli: CommandLine
let env: Record<string, string>

beforeEach(async () => {
  database = await freshDatabase()
  cli = await commandLine()
  const temporal = await sharedTemporal()
  env = {
    REKEY_DATABASE_URL: database.url,
    REKEY_KEY_FILE: join(cli.home, 'key'),
    REKEY_TEMPORAL_ADDRESS: temporal.address,
    REKEY_TASK_QUEUE: temporal.taskQueue,
    REKEY_LISTEN: `127.0.0.1:${await freePort()}`,
    REKEY_WORKER_LISTEN: `127.0.0.1:${await freePort()}`,
  }
})

afterEach(async () => {
  await cli.close()
  await database.drop()
})

describe('migrate', () => {
  test('a new store: schema first, then one key, made once and readable by its owner alone', async () => {
    const first = await cli.run(['migrate'], { env })
    expect(first.code).toBe(0)
    expect(first.stdout).toMatch(
      /^Applied 0001-initial\b.*\nNo key .+ "rekey migrate --new-key" once\n.+ search attributes .+\n$/,
    )
    const second = await cli.run(['migrate', '--new-key'], { env })
    expect(second.stdout).toContain(`Made the key file ${env['REKEY_KEY_FILE']}`)
    const key = await readFile(env['REKEY_KEY_FILE']!, 'utf8')
    expect((await stat(env['REKEY_KEY_FILE']!)).mode & 0o777).toBe(0o600)
    expect(second.stdout).not.toContain(key.trim())

    const third = await cli.run(['migrate', '--new-key'], { env })
    expect(third).toMatchObject({ code: 1, stdout: '' })
    expect(third.stderr).toMatch(/^rekey: this store has its key already; .+\n$/)
    expect(await readFile(env['REKEY_KEY_FILE']!, 'utf8')).toBe(key)
    expect((await cli.run(['migrate'], { env })).stdout).toContain('The schema is up to date')
  })

  test('search attributes are registered in Temporal; without one, who migrates hears who will do it', async () => {
    expect((await cli.run(['migrate'], { env })).stdout).toMatch(
      /(Registered the search attributes .*RekeyOutcome.* in Temporal|Temporal has the search attributes already)\n$/,
    )
    const again = await cli.run(['migrate', '--json'], { env })
    expect(JSON.parse(again.stdout)).toMatchObject({
      searchAttributes: { usable: expect.arrayContaining(['RekeyEnvironment']), added: [], missing: {} },
    })
    const away = await cli.run(['migrate'], { env: { ...env, REKEY_TEMPORAL_ADDRESS: '127.0.0.1:9' } })
    expect(away).toMatchObject({ code: 0, stdout: expect.not.stringContaining('Temporal') })
    expect(away.stderr).toContain('server and worker register the search attributes when they start')
  })

  test('a key file that was handed out is taken, and never replaced', async () => {
    const key = `${Buffer.alloc(32, 7).toString('base64')}\n`
    await writeFile(env['REKEY_KEY_FILE']!, key, { mode: 0o600 })
    expect((await cli.run(['migrate', '--new-key'], { env })).stdout).toContain('was there already')
    expect(await readFile(env['REKEY_KEY_FILE']!, 'utf8')).toBe(key)
  })

  test('a PostgreSQL that is not there, in words without the password', async () => {
    const away = { ...env, REKEY_DATABASE_URL: 'postgres://rekey:hunter2@127.0.0.1:9/rekey' }
    const { code, stderr } = await cli.run(['migrate'], { env: away })
    expect(code).toBe(1)
    expect(stderr).toBe('rekey: the PostgreSQL of REKEY_DATABASE_URL cannot be used: nothing listens there\n')
  })
})

interface Program {
  child: ReturnType<typeof spawn>
  /** Exit code, and what it wrote to stderr. */
  ended: Promise<[number | null, string]>
  /** So far. */
  logged(): string
}

function launch(name: string, more: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, [COMMAND_LINE, name], {
    env: { PATH: '/usr/bin:/bin', HOME: cli.home, ...COMPILE_CACHE, ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let words = ''
  let log = ''
  child.stderr.on('data', (chunk) => (words += String(chunk)))
  child.stdout.on('data', (chunk) => (log += String(chunk)))
  const ended = once(child, 'close').then(([code]): [number | null, string] => [code as number | null, words])
  return { child, ended, logged: () => log }
}

async function status(address: string | undefined): Promise<number> {
  return fetch(`http://${address}/readyz`).then(
    ({ status: code }) => code,
    () => 0,
  )
}

describe.each(['server', 'worker'])('%s', (name) => {
  const address = () => env[name === 'server' ? 'REKEY_LISTEN' : 'REKEY_WORKER_LISTEN']

  test('a missing key file, an open one, a wrong one: one clear line, exit code 1, nothing made', async () => {
    await cli.run(['migrate', '--new-key'], { env })
    const keyFile = env['REKEY_KEY_FILE']!
    const missing = join(cli.home, 'missing')
    expect(await launch(name, { REKEY_KEY_FILE: missing }).ended).toEqual([
      1,
      expect.stringMatching(/^rekey: there is no key file at .+\n$/),
    ])
    await expect(stat(missing)).rejects.toThrow('ENOENT')
    const other = join(cli.home, 'other')
    await writeFile(other, `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 })
    expect(await launch(name, { REKEY_KEY_FILE: other }).ended).toEqual([
      1,
      expect.stringMatching(/^rekey: this key file is not the one that sealed this store.*\n$/),
    ])
    await chmod(keyFile, 0o644)
    expect(await launch(name).ended).toEqual([
      1,
      expect.stringMatching(/^rekey: the key file .+ chmod 600 .+\n$/),
    ])
  })

  test(
    'waits for a schema that is not there yet, serves once it is, and ends cleanly on SIGTERM',
    { timeout: 90_000 },
    async () => {
      const key = `${Buffer.alloc(32, 7).toString('base64')}\n`
      await writeFile(env['REKEY_KEY_FILE']!, key, { mode: 0o600 })
      const program = launch(name)
      await expect.poll(() => status(address()), { timeout: 30_000, interval: 100 }).toBe(503)
      await expect.poll(program.logged, { timeout: 10_000 }).toContain('the store cannot be used yet')
      await cli.run(['migrate', '--new-key'], { env })
      await expect.poll(() => status(address()), { timeout: 45_000, interval: 100 }).toBe(200)
      program.child.kill('SIGTERM')
      const [code] = await program.ended
      expect(code).toBe(0)
    },
  )

  test('a setting that is malformed or not known', async () => {
    expect(await launch(name, { REKEY_LISTEN: 'hunter2' }).ended).toEqual([
      1,
      'rekey: REKEY_LISTEN must be a host and a port such as 127.0.0.1:8790\n',
    ])
    expect(await launch(name, { REKEY_LISTN: 'hunter2' }).ended).toEqual([
      1,
      'rekey: unknown setting REKEY_LISTN: rekey config lists those that there are\n',
    ])
  })
})
