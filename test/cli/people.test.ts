import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshName, startApi, type Api } from '../server/api.ts'
import { adminCommandLine, type CommandLine } from './command-line.ts'

let api: Api
let cli: CommandLine

beforeAll(async () => {
  api = await startApi()
  cli = await adminCommandLine(api)
})

afterAll(async () => {
  await cli.close()
  await api.close()
})

test('a new person gets a token, and may do what they are given, until it is taken back', async () => {
  const name = freshName()
  await cli.run(['env', 'init', name, '-f', '-'], { input: 'values: { a: 1 }\n' })
  const { stdout: token, stderr } = await cli.run(['user', 'add', 'bob', '--name', 'Bob'])
  expect(token).toMatch(/^rkp_\S+\n$/)
  expect(stderr).toContain('rekey grant give bob')
  const asBob = { env: { REKEY_TOKEN: token.trim() } }
  expect((await cli.run(['env', 'get', name], asBob)).code).toBe(1)
  expect((await cli.run(['grant', 'give', 'bob', 'read', name])).code).toBe(0)
  expect((await cli.run(['env', 'get', name], asBob)).code).toBe(0)
  expect((await cli.run(['env', 'open', name], asBob)).stderr).toMatch(/^rekey: .*open.*\n$/)
  expect((await cli.run(['grant', 'ls'])).stdout).toMatch(new RegExp(`^bob +read +${name} +admin$`, 'm'))
  expect((await cli.run(['grant', 'take', 'bob', name])).code).toBe(0)
  expect((await cli.run(['env', 'get', name], asBob)).code).toBe(1)
  expect((await cli.run(['user', 'ls'])).stdout).toMatch(/^bob +Bob$/m)
})

test.each([
  [['grant', 'give', 'bob', 'chief'], 'read, open, write, admin'],
  [['grant', 'give', 'bob', 'read', 'a/b/c'], 'project/environment'],
  [['token', 'create', 'x', '--expires', 'soon'], '30d'],
  [['env', 'history', 'a/b', '--limit', '0'], '--limit'],
  [['env', 'open', 'a/b', '--format', 'xml'], 'dotenv'],
  [['env', 'bogus'], 'unknown command'],
  [['env', 'get', 'a/b', 'x['], 'bracket'],
])('%j is refused with exit code 1 and a word on what is allowed', async (args, words) => {
  const { code, stdout, stderr } = await cli.run(args)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(words)
})

test('a token is shown once, works, and ends when it is revoked', async () => {
  const { stdout } = await cli.run(['token', 'create', 'ci', '--expires', '1h', '--json'])
  const { id, tokenValue, expires } = JSON.parse(stdout) as {
    id: string
    tokenValue: string
    expires: string
  }
  expect(new Date(expires).getTime() - Date.now()).toBeGreaterThan(3_000_000)
  expect((await cli.run(['env', 'ls'], { env: { REKEY_TOKEN: tokenValue } })).code).toBe(0)
  expect((await cli.run(['token', 'ls'])).stdout).not.toContain(tokenValue)
  await cli.run(['token', 'revoke', id])
  const { code, stderr } = await cli.run(['env', 'ls'], { env: { REKEY_TOKEN: tokenValue } })
  expect(code).toBe(1)
  expect(stderr).toContain('rekey login')
})

test('every command has help with an example', async () => {
  const seen: string[] = []
  const visit = async (path: string[]): Promise<void> => {
    const { code, stdout } = await cli.run([...path, '--help'])
    expect({ path, code }).toEqual({ path, code: 0 })
    expect(stdout).toMatch(/^Examples?:\n {2}.*rekey /m)
    seen.push(path.join(' '))
    const list = /^Commands:\n((?: {2}.*\n)+)/m.exec(stdout)?.[1] ?? ''
    for (const [, name] of list.matchAll(/^ {2}([a-z]+)/gm))
      if (name !== 'help') await visit([...path, name!])
  }
  await visit([])
  expect(seen).toEqual(
    expect.arrayContaining(['dev', 'env rotate', 'env schedule new', 'grant give', 'token revoke']),
  )
})
