import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodeOf, pathOutcomes, type RotationEvent } from '../../cli/rotation.ts'
import { startLineApi, type LineApi } from '../server/line-api.ts'
import { rotateCall, targetDatabase } from '../support/line.ts'
import { uniqueName, type TargetDatabase } from '../support/servers.ts'
import { commandLine, type CommandLine } from './command-line.ts'

let api: LineApi
let cli: CommandLine
const targets: TargetDatabase[] = []

beforeAll(async () => {
  api = await startLineApi()
  cli = await commandLine({ REKEY_URL: api.url, REKEY_TOKEN: api.token })
})

afterAll(async () => {
  await cli.close()
  await api.close()
  for (const target of targets) await target.drop()
})

/** An environment with one rotate call per key, each at a target of its own. */
async function environment(...keys: string[]): Promise<{ name: string; targets: TargetDatabase[] }> {
  const made = await Promise.all(keys.map(() => targetDatabase()))
  targets.push(...made)
  const text = `values:\n${keys.map((key, index) => rotateCall(key, made[index]!)).join('')}`
  const name = `app/${uniqueName('cli')}`
  const { code, stderr } = await cli.run(['env', 'init', name, '-f', '-'], { input: text })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return { name, targets: made }
}

async function opened(name: string, path: string): Promise<string> {
  return (await cli.run(['env', 'open', name, path, '--format', 'string'])).stdout.trimEnd()
}

describe('env rotate', () => {
  test('shows each path on the way, says what became of it, and exits 0', async () => {
    const { name, targets } = await environment('db')
    const ran = await api.line.withWorker(() => cli.run(['env', 'rotate', name]))
    expect(ran.code).toBe(0)
    expect(ran.stdout).toBe(
      `PATH  OUTCOME    CODE  MESSAGE\ndb    succeeded  -     -\n${name} has the new revision 3\n`,
    )
    expect(ran.stderr).toMatch(/^ +\d+\.\d s {2}db {2}succeeded$/m)
    const login = {
      username: await opened(name, 'db.current.username'),
      password: await opened(name, 'db.current.password'),
    }
    expect(await targets[0]!.canLogIn(login)).toBe(true)
  })

  test('exits 2 when one path fails, publishes the other, and names the retry of that path alone', async () => {
    const { name, targets } = await environment('bad', 'good')
    const [bad] = targets as [TargetDatabase, TargetDatabase]
    await bad.admin(`alter role ${bad.rotated[0].username} nologin`)
    const ran = await api.line.withWorker(() => cli.run(['env', 'rotate', name]))
    expect(ran.code).toBe(2)
    expect(ran.stdout).toMatch(/^bad {3}failed {5}TARGET_NOT_FOUND {2}\S.+$/m)
    expect(ran.stdout).toMatch(/^good {2}succeeded {2}- +-$/m)
    expect(ran.stdout).toContain('new revision 3')
    expect(ran.stderr).toContain(`rekey env rotate ${name} bad\n`)

    await bad.admin(`alter role ${bad.rotated[0].username} login`)
    const again = await api.line.withWorker(() => cli.run(['env', 'rotate', name, 'bad', '--json']))
    expect(again.code).toBe(0)
    const { secretRotationEvent: event } = JSON.parse(again.stdout) as { secretRotationEvent: RotationEvent }
    expect(pathOutcomes(event).map(({ path, outcome }) => [path, outcome])).toEqual([['bad', 'succeeded']])
    const history = await cli.run(['env', 'history', name])
    expect(history.stdout.split('\n')[2]).toMatch(
      /manual +ada +failed +3 +\S{36} +bad failed TARGET_NOT_FOUND, good succeeded$/,
    )
  })

  test('a path that names no call is refused before anything begins', async () => {
    const { name } = await environment('db')
    const { code, stdout, stderr } = await cli.run(['env', 'rotate', name, 'other'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('it has db')
    expect((await cli.run(['env', 'history', name, '--json'])).stdout).toBe('[]\n')
  })

  test('an answer that is lost on the way is asked for again, and rotates once', async () => {
    const { name } = await environment('db')
    const realFetch = globalThis.fetch
    let lost = 0
    globalThis.fetch = async (target, init) => {
      const answer = await realFetch(target, init)
      if (init?.method === 'POST' && lost++ === 0) {
        throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'UND_ERR_SOCKET' } })
      }
      return answer
    }
    try {
      const { code, stderr } = await api.line.withWorker(() => cli.run(['env', 'rotate', name]))
      expect(code).toBe(0)
      expect(stderr).toContain('trying again')
    } finally {
      globalThis.fetch = realFetch
    }
    expect(lost).toBe(2)
    expect(JSON.parse((await cli.run(['env', 'history', name, '--json'])).stdout)).toHaveLength(1)
  })

  test('Ctrl-C leaves a rotation alone: exit code 3, and it goes on', async () => {
    const { name } = await environment('db')
    const interrupt = new AbortController()
    // No worker runs, so the rotation waits for as long as we like.
    setTimeout(() => interrupt.abort(), 1_000)
    const { code, stderr } = await cli.run(['env', 'rotate', name], { signal: interrupt.signal })
    expect(code).toBe(3)
    expect(stderr).toContain(`rekey env history ${name}`)
    await api.line.withWorker(async () => {
      await expect
        .poll(async () => (await cli.run(['env', 'history', name])).stdout, { timeout: 20_000 })
        .toContain('db succeeded')
    })
  })

  test('nobody there: exit code 1 at once', async () => {
    const { code, stderr } = await cli.run(['env', 'rotate', 'app/x'], {
      env: { REKEY_URL: 'http://127.0.0.1:9', REKEY_ORG: 'acme' },
    })
    expect(code).toBe(1)
    expect(stderr).toContain('http://127.0.0.1:9 does not answer')
  })
})

test('an outcome that is not known has an exit code of its own', () => {
  const event: RotationEvent = {
    id: '',
    created: '',
    status: 'failed',
    trigger: 'manual',
    userID: 'ada',
    rotations: [
      { environmentPath: 'a', status: 'failed', errorMessage: 'no', errorCode: 'LOGIN_FAILED' },
      {
        environmentPath: 'b',
        status: 'failed',
        outcome: 'unknown',
        errorMessage: 'late',
        errorCode: 'OUTCOME_UNKNOWN',
      },
    ],
  }
  expect(exitCodeOf(event)).toBe(3)
  expect(exitCodeOf({ ...event, rotations: event.rotations.slice(0, 1) })).toBe(2)
  expect(exitCodeOf({ ...event, status: 'in_progress', rotations: [] })).toBe(3)
  expect(
    exitCodeOf({
      ...event,
      status: 'succeeded',
      rotations: [],
      skipped: [{ environmentPath: 'a', reason: 'young' }],
    }),
  ).toBe(0)
})

test('env schedule: new, list, get, edit, pause, resume, history, remove', async () => {
  const { name } = await environment('db')
  const made = await cli.run([
    'env',
    'schedule',
    'new',
    name,
    '30 3 * * *',
    '--timezone',
    'Asia/Kolkata',
    '--path',
    'db',
  ])
  expect(made.code).toBe(0)
  expect(made.stdout).toMatch(/^\d{4}-\d\d-\d\d 22:00:00 {2}\d{4}-\d\d-\d\d 03:30:00 /m)
  expect(made.stdout.match(/03:30:00/g)).toHaveLength(10)
  expect((await cli.run(['env', 'schedule', 'list', name])).stdout).toMatch(
    /30 3 \* \* \* {2}Asia\/Kolkata {2}db {4}ada /,
  )
  const edited = await cli.run(['env', 'schedule', 'edit', name, '--cron', '0 4 * * *', '--json'])
  expect(JSON.parse(edited.stdout)).toMatchObject({
    scheduleCron: '0 4 * * *',
    timezone: 'Asia/Kolkata',
    definition: { environmentPath: 'db' },
  })
  expect((await cli.run(['env', 'schedule', 'pause', name])).stdout).toContain('paused')
  expect((await cli.run(['env', 'schedule', 'list', name])).stdout).toMatch(/paused$/m)
  expect((await cli.run(['env', 'schedule', 'resume', name])).stdout).not.toContain('paused')
  expect((await cli.run(['env', 'schedule', 'history', name])).stdout).toBe('DUE  VERSION  RESULT\n')
  expect((await cli.run(['env', 'schedule', 'remove', name])).code).toBe(0)
  const none = await cli.run(['env', 'schedule', 'get', name])
  expect(none).toMatchObject({ code: 1, stdout: '' })
  const wrong = await cli.run(['env', 'schedule', 'new', name, '* * * *'])
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toContain('5 fields')
})

test('env schedule new --once: one due time, in words where it cannot be', async () => {
  const { name } = await environment('db')
  const schedule = (...args: string[]) => cli.run(['env', 'schedule', ...args])
  for (const [args, words] of [
    [['--once', '2020-01-01T00:00:00Z'], 'has passed'],
    [['--once', '2030-01-31'], 'not an instant'],
    [['0 3 * * *', '--once', '2030-01-31T22:00:00Z'], 'not both'],
    [[], 'when is it due?'],
  ] as const) {
    const refused = await schedule('new', name, ...args)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain(words)
  }
  const zone = ['--timezone', 'Europe/Berlin']
  const made = await schedule('new', name, '--once', '2095-01-31T22:00:00+01:00', ...zone)
  expect(made.stdout).toMatch(/^[^\n]*: once at 2095-01-31T21:00:00Z in Europe\/Berlin\n/)
  expect(made.stdout).toMatch(/^2095-01-31 21:00:00 {2}2095-01-31 22:00:00 \+01:00 {2}/m)
  expect((await schedule('list', name)).stdout).toMatch(/ once at 2095-01-31T21:00:00Z {2}Europe\/Berlin /)
  const edited = await schedule('edit', name, '--cron', '30 2 * 3 0')
  expect(edited.stdout).toMatch(/^[^\n]*: "30 2 \* 3 0" in Europe\/Berlin\n/)
  expect(edited.stdout).toMatch(/NEXT DUE \(UTC\).*NOTE\n/)
  expect(edited.stdout).toMatch(
    / 03:30:00 \+02:00 .*the clocks skip 02:30 on this day: due at 03:30 instead$/m,
  )
  const again = await schedule('edit', name, '--once', '2095-01-31T21:00:00Z')
  expect(again.stdout).toContain('once at 2095-01-31T21:00:00Z')
  expect(again.stdout).not.toContain('NOTE')
})
