/** Whatever goes wrong, one sentence says what and what to do next; a stack trace is never shown. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshName, startApi, type Api } from '../server/api.ts'
import { commandLine, type CommandLine, type Ran, type RunOptions } from './command-line.ts'

let api: Api
let cli: CommandLine
let url: string

beforeAll(async () => {
  api = await startApi()
  url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  cli = await commandLine({ REKEY_URL: url, REKEY_TOKEN: api.tokens['admin']! })
})

afterAll(async () => {
  await cli.close()
  await api.close()
})

/** Fails with 1, prints nothing on standard output, and one line without a stack trace on the other. */
async function refused(args: string[], options?: RunOptions): Promise<string> {
  const ran: Ran = await cli.run(args, options)
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 1, stdout: '' })
  expect(ran.stderr).toMatch(/^rekey: [^\n]+\n$/)
  expect(ran.stderr).not.toMatch(/\n? +at .*[:(]\d+/)
  return ran.stderr
}

async function urlOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

test('not logged in: how to log in', async () => {
  const nobody = await commandLine()
  const { code, stderr } = await nobody.run(['env', 'ls'])
  expect(code).toBe(1)
  expect(stderr).toBe(
    'rekey: you are not logged in at http://127.0.0.1:8790: run "rekey login http://127.0.0.1:8790", or set REKEY_URL and REKEY_TOKEN\n',
  )
  await nobody.close()
})

test('a token that is none any more: log in again', async () => {
  expect(await refused(['env', 'ls'], { env: { REKEY_TOKEN: 'gone', REKEY_ORG: 'main' } })).toContain(
    `run "rekey login ${url}"`,
  )
})

test('a server that is away, and one that is none of ours', async () => {
  const other = createServer((socket) =>
    socket.resume().end('HTTP/1.1 418 No\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno'),
  )
  const env = { REKEY_URL: await urlOf(other) }
  expect(await refused(['env', 'ls'], { env })).toContain('is it a Rekey server?')
  other.close()
  await once(other, 'close')
  expect(await refused(['env', 'ls'], { env })).toContain(
    `${env.REKEY_URL} does not answer (ECONNREFUSED): is the server running, and is REKEY_URL right?`,
  )
})

describe('a wrong name', () => {
  test('one that is near, in any command', async () => {
    await cli.run(['env', 'init', 'payments/production'])
    for (const args of [
      ['env', 'get', 'payments/prodution'],
      ['env', 'open', 'payments/prodution'],
      ['env', 'rotate', 'payments/prodution'],
      ['env', 'schedule', 'list', 'payment/production'],
      ['env', 'history', 'production'],
      ['env', 'rm', 'payments/prodution', '--yes'],
    ])
      expect(await refused(args)).toMatch(
        /there is no environment main\/\S+ that you may read; did you mean payments\/production\?\n$/,
      )
  })

  test('none that is near: how to see those there are', async () => {
    expect(await refused(['env', 'get', 'entirely/different-thing'])).toMatch(/"rekey env ls" lists those/)
  })

  test('never one that the person may not read', async () => {
    const token = await api.person('eve')
    const words = await refused(['env', 'get', 'payments/prodution'], { env: { REKEY_TOKEN: token } })
    expect(words).not.toContain('did you mean')
  })

  test('something missing inside of an environment is told as such', async () => {
    const name = freshName()
    await cli.run(['env', 'init', name])
    expect(await refused(['env', 'get', `${name}@77`])).not.toContain('did you mean')
    expect(await refused(['env', 'history', name, 'no-such-event'])).toBe(
      'rekey: there is no rotation no-such-event\n',
    )
  })

  test('of a command or an option: the near one', async () => {
    const ran = await cli.run(['env', 'rotat', 'a/b'])
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toContain('Did you mean rotate?')
    expect(ran.stderr).toContain('rekey env --help')
    expect((await cli.run(['env', 'rotate', 'a/b', '--forse'])).stderr).toContain('Did you mean --force?')
  })
})

describe('a conflict says what to do', () => {
  test('an environment that is there already', async () => {
    const name = freshName()
    await cli.run(['env', 'init', name])
    expect(await refused(['env', 'init', name])).toBe(
      `rekey: environment ${name} already exists; to change it, run "rekey env edit ${name}"\n`,
    )
  })

  test('times of a schedule, in the words of the command line', async () => {
    const when = (...times: string[]) => refused(['env', 'schedule', 'new', 'payment/production', ...times])
    expect(await when()).toContain('give a cron text, such as "0 3 * * *", or --once with an instant')
    expect(await when('0 3 * * *', '--once', '2030-01-01T00:00:00Z')).toMatch(/cron text or --once, not both/)
    const edit = ['env', 'schedule', 'edit', 'payment/production', '--cron', '0 3 * * *', '--once', '2030']
    expect(await refused(edit)).toMatch(/--cron or --once, not both/)
  })

  test('a schedule that is there already', async () => {
    const name = freshName()
    await cli.run(['env', 'init', name])
    const made = await cli.run(['env', 'schedule', 'new', name, '0 3 * * *'])
    expect(made).toMatchObject({ code: 0 })
    expect(await refused(['env', 'schedule', 'new', name, '0 4 * * *'])).toContain('edit or remove it')
    expect(await refused(['env', 'schedule', 'edit', name])).toMatch(/nothing to change.*--cron, --once/)
    const shown = JSON.parse((await cli.run(['env', 'schedule', 'get', name, '--json'])).stdout)
    expect(shown).toMatchObject({ version: 1 })
  })
})

test('a right that is missing is named', async () => {
  const name = freshName()
  await cli.run(['env', 'init', name])
  const token = await api.person('rob')
  expect(await cli.run(['grant', 'give', 'rob', 'read', name])).toMatchObject({ code: 0 })
  expect(await refused(['env', 'set', name, 'a', '1'], { env: { REKEY_TOKEN: token } })).toMatch(
    /"write" on .* you have "read"; ask an administrator/,
  )
})

describe('Ctrl-C while waiting exits 130', () => {
  async function silentServer() {
    const server = createServer(() => undefined)
    const env = { REKEY_URL: await urlOf(server), REKEY_TOKEN: 'x', REKEY_ORG: 'main' }
    return { server, env }
  }

  test('in a command', async () => {
    const { server, env } = await silentServer()
    const interrupt = new AbortController()
    const ran = cli.run(['env', 'ls'], { env, signal: interrupt.signal })
    await once(server, 'connection')
    interrupt.abort()
    expect(await ran).toEqual({ code: 130, stdout: '', stderr: 'rekey: interrupted\n' })
    server.close()
  })

  test('in the program', async () => {
    const { server, env } = await silentServer()
    const rekey = fileURLToPath(new URL('../../bin/rekey', import.meta.url))
    const child = spawn(rekey, ['env', 'ls'], {
      env: { PATH: process.env['PATH'], HOME: cli.home, ...env },
      stdio: 'ignore',
    })
    await once(server, 'connection')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
    server.close()
  })
})
