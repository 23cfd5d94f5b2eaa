/** `rekey env rotate --plan`: the table, the JSON, the exit code. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startLineApi, type LineApi } from '../server/line-api.ts'
import { rotateCall, targetDatabase } from '../support/line.ts'
import { uniqueName, type TargetDatabase } from '../support/servers.ts'
import { commandLine, type CommandLine } from './command-line.ts'

vi.setConfig({ testTimeout: 60_000 })

let api: LineApi
let cli: CommandLine
let good: TargetDatabase
let bad: TargetDatabase
const name = `app/${uniqueName('plan')}`

beforeAll(async () => {
  api = await startLineApi()
  cli = await commandLine({ REKEY_URL: api.url, REKEY_TOKEN: api.token })
  ;[good, bad] = [await targetDatabase(), await targetDatabase()]
  const text = `values:\n${rotateCall('bad', bad)}${rotateCall('good', good)}`
  expect(await cli.run(['env', 'init', name, '-f', '-'], { input: text })).toMatchObject({ code: 0 })
})
afterAll(async () => {
  await cli.close()
  await api.close()
  await good.drop()
  await bad.drop()
})

const run = (...args: string[]) =>
  api.line.withWorker(() => cli.run(['env', 'rotate', name, '--plan', ...args]))

test('exit 0 and what would be written, where all would succeed; nothing was rotated', async () => {
  await good.admin(`alter role ${good.rotated[0].username} createdb`)
  const ran = await run()
  expect(ran.code).toBe(0)
  expect(ran.stdout).toMatch(/^PATH +EXPECTED +CODE +WOULD WRITE +MESSAGE$/m)
  expect(ran.stdout).toMatch(/^good +succeeded +- +user "\S+_a" \(first rotation\) +-$/m)
  expect(ran.stdout).toContain(`Nothing was changed; revision 2 of ${name} was looked at`)
  expect(ran.stderr).toMatch(/^warning: good: user "\S+_a" has CREATEDB/m)
  expect((await cli.run(['env', 'history', name, '--json'])).stdout).toBe('[]\n')
})

test('exit 2 and the code, where a path would fail; --json tells the same', async () => {
  await bad.admin(`alter role ${bad.rotated[0].username} nologin`)
  const ran = await run()
  expect(ran.code).toBe(2)
  expect(ran.stdout).toMatch(/^bad +failed +TARGET_NOT_FOUND +- +\S.+$/m)
  const json = await run('--json')
  expect(json.code).toBe(2)
  expect(JSON.parse(json.stdout)).toMatchObject({
    status: 'failed',
    rotations: [
      { environmentPath: 'bad', expected: 'failed', errorCode: 'TARGET_NOT_FOUND' },
      { environmentPath: 'good', expected: 'succeeded' },
    ],
  })
  expect((await run('good')).code).toBe(0)
})

test('exit 1 for a path that names no call, and beside --failed', async () => {
  expect(await cli.run(['env', 'rotate', name, 'other', '--plan'])).toMatchObject({ code: 1, stdout: '' })
  expect(await cli.run(['env', 'rotate', name, '--failed', '--plan'])).toMatchObject({ code: 1, stdout: '' })
})
