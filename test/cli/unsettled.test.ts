/** `rekey rotation`, `rekey target`, `rekey env undo` and `rekey env forget`, on the whole line. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startLineApi, type LineApi } from '../server/line-api.ts'
import { startProxy } from '../support/proxy.ts'
import { rotatedDefinition, targetDatabase } from '../support/line.ts'
import { uniqueName, type TargetDatabase } from '../support/servers.ts'
import { commandLine, type CommandLine, type Ran } from './command-line.ts'

vi.setConfig({ testTimeout: 90_000 })

let api: LineApi
let cli: CommandLine
const undos: (() => Promise<void>)[] = []

beforeAll(async () => {
  api = await startLineApi()
  cli = await commandLine({ REKEY_URL: api.url, REKEY_TOKEN: api.token })
})
afterAll(async () => {
  await cli.close()
  await api.close()
  for (const undo of undos.reverse()) await undo()
})

const run = (...args: string[]): Promise<Ran> => cli.run(args)

/** An environment whose second rotation was left in doubt; its value has reached the target, or has not. */
async function leftInDoubt(arrives: boolean) {
  const target: TargetDatabase = await targetDatabase()
  undos.push(() => target.drop())
  const proxy = await startProxy(target)
  undos.push(() => proxy.close())
  const name = `app/${uniqueName('left')}`
  const text = rotatedDefinition(target, { host: proxy.host, port: proxy.port })
  expect((await cli.run(['env', 'init', name, '-f', '-'], { input: text })).code).toBe(0)
  expect((await run('env', 'rotate', name)).code).toBe(0)
  let cut = false
  proxy.cutAfter((chunk) => {
    cut ||= chunk.includes(arrives ? 'COMMIT' : 'ALTER ROLE')
    return cut
  })
  expect((await run('env', 'rotate', name)).code).toBe(3)
  proxy.relay()
  const { stdout } = await run('rotation', 'ls', name, '--json')
  const [{ id, targets }] = JSON.parse(stdout) as [{ id: string; targets: string[] }]
  return { name, id, targets, target }
}

test('ls and show tell what was left and what can be done; adopt does it, and says so', async () => {
  await api.line.withWorker(async () => {
    const { name, id } = await leftInDoubt(true)
    const listed = await run('rotation', 'ls', name)
    expect(listed.stdout).toMatch(/^ID +BEGUN +ENVIRONMENT +PATH +OUTCOME +CODE +LEFT$/m)
    expect(listed.stdout).toMatch(new RegExp(`^${id} .*${name} +db +unknown +OUTCOME_UNKNOWN +value$`, 'm'))
    expect((await run('rotation', 'ls')).stdout).toContain(id)
    const shown = await run('rotation', 'show', id)
    expect(shown.code).toBe(0)
    expect(shown.stdout).toMatch(/^Outcome: +unknown OUTCOME_UNKNOWN$/m)
    for (const command of [`rekey env rotate ${name} db`, `rekey rotation adopt ${id}`])
      expect(shown.stdout).toContain(`  ${command}\n`)
    const password = (await run('env', 'open', name, 'db.current.password', '--format', 'string')).stdout
    expect(shown.stdout).not.toContain(password.trim())

    const adopted = await run('rotation', 'adopt', id)
    expect(adopted).toMatchObject({ code: 0, stderr: expect.stringContaining('db') })
    expect(adopted.stdout).toContain('new revision 4')
    expect((await run('rotation', 'show', id)).stdout).toContain('Nothing is left to be decided.')
    expect((await run('rotation', 'ls', name)).stderr).toContain('nothing is in doubt')
    expect((await run('rotation', 'ls', name, '--all')).stdout).toContain(id)
    const again = await run('rotation', 'adopt', id)
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('settled already') })
    expect((await run('env', 'history', name)).stdout).toContain('adopt')
  })
})

test('discard exits 2 while the target accepts the value, 0 when it is given up, with the warning', async () => {
  await api.line.withWorker(async () => {
    const { id } = await leftInDoubt(true)
    const refused = await run('rotation', 'discard', id)
    expect(refused.code).toBe(2)
    expect(refused.stdout).toContain('adopt it, or give it up')
    expect(refused.stderr).not.toContain('rekey env rotate')
    const given = await run('rotation', 'discard', id, '--give-up')
    expect(given.code).toBe(0)
    expect(given.stderr).toContain('nobody knows the password')
    const wrong = await run('rotation', 'discard', 'no-such-rotation')
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no rotation') })
  })
})

test('a target is listed, refused while its call is there, and freed when it is gone', async () => {
  await api.line.withWorker(async () => {
    const { name, id, targets } = await leftInDoubt(false)
    const target = targets[0]!
    const listed = await run('target', 'ls')
    expect(listed.stdout).toMatch(new RegExp(`^${target} +${name} +db +${id}$`, 'm'))
    const held = await run('target', 'release', target)
    expect(held.code).toBe(2)
    expect(held.stderr + held.stdout).toContain('still names')
    expect((await cli.run(['env', 'edit', name, '-f', '-'], { input: 'values: {}\n' })).code).toBe(0)
    const doubtful = await run('target', 'release', target)
    expect(doubtful.code).toBe(2)
    expect(doubtful.stderr + doubtful.stdout).toContain(id)
    expect((await run('target', 'release', target, '--give-up')).code).toBe(0)
    const after = JSON.parse((await run('target', 'ls', '--json')).stdout) as { target: string }[]
    expect(after.map((claim) => claim.target)).not.toContain(target)
    expect((await run('rotation', 'ls', name)).stderr).toContain('nothing is in doubt')
  })
})

test('env undo goes back and env forget drops the state, after a question', async () => {
  await api.line.withWorker(async () => {
    const target = await targetDatabase()
    undos.push(() => target.drop())
    const name = `app/${uniqueName('undo')}`
    await cli.run(['env', 'init', name, '-f', '-'], { input: rotatedDefinition(target) })
    const open = async () =>
      JSON.parse((await run('env', 'open', name, 'db')).stdout) as Record<string, unknown>
    expect((await run('env', 'rotate', name)).code).toBe(0)
    const early = await run('env', 'undo', name, 'db')
    expect(early).toMatchObject({ code: 2, stdout: expect.stringContaining('no previous credential') })
    expect((await run('env', 'rotate', name)).code).toBe(0)
    const before = await open()
    const undone = await run('env', 'undo', name)
    expect(undone).toMatchObject({ code: 0, stdout: expect.stringContaining('new revision 5') })
    expect(await open()).toEqual({ current: before['previous'], previous: before['current'] })

    const asked = await run('env', 'forget', name, 'db')
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining('add --yes') })
    expect((await run('env', 'forget', name, 'nope', '--yes')).code).toBe(1)
    const forgotten = await run('env', 'forget', name, 'db', '--yes', '--json')
    expect(forgotten.code).toBe(0)
    expect(JSON.parse(forgotten.stdout)).toMatchObject({
      secretRotationEvent: { action: 'forget', status: 'succeeded', postRotationRevision: 6 },
    })
    expect((await run('env', 'open', name, 'db')).stderr).toContain('not rotated yet')
  })
})
