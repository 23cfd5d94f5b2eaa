/** The pages of the logins: their examples can be saved as they are, their policies and codes are those of the code. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOGIN_NOTES } from '../../docs/login-notes/index.ts'
import { FAILURES } from '../../model/failures.ts'
import { loginNames } from '../../rotators/logins/index.ts'
import { adminCommandLine, type CommandLine } from '../cli/command-line.ts'
import { startApi, type Api } from '../server/api.ts'
import { codesThrownBy } from './codes-thrown.ts'

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

test('every login has notes and a page, and there are no others', () => {
  const words = 'write docs/login-notes/<name>.ts, name it in its index.ts, and run "node docs/generate.ts"'
  expect(Object.keys(LOGIN_NOTES).sort(), words).toEqual(loginNames())
  const pages = readdirSync(fileURLToPath(new URL('../../docs/logins', import.meta.url))).sort()
  expect(pages, words).toEqual(['README.md', ...loginNames().map((name) => `${name}.md`)].sort())
})

describe.each(Object.entries(LOGIN_NOTES))('%s', (name, notes) => {
  test('the example checks clean, is saved without a warning, and holds the open call', async () => {
    for (const { environment, yaml } of notes.example) {
      expect(await cli.run(['env', 'init', environment, '-f', '-'], { input: yaml })).toEqual({
        code: 0,
        stdout: expect.stringContaining(`Saved ${environment}`) as string,
        stderr: '',
      })
      const checked = await cli.run(['env', 'check', '-'], { input: yaml })
      expect(checked).toMatchObject({ code: 0, stderr: '' })
    }
    expect(notes.example[0]!.yaml).toContain(`fn::open::${name}:`)
  })

  test('the failure codes are codes, and every one that its source can end in is explained', () => {
    expect(Object.keys(notes.failures).filter((code) => !Object.hasOwn(FAILURES, code))).toEqual([])
    const thrown = codesThrownBy(`rotators/logins/${name}.ts`)
    expect(thrown, 'the source was not found').not.toEqual([])
    const silent = thrown.filter((code) => !Object.hasOwn(notes.failures, code))
    expect(silent, `say in docs/login-notes/${name}.ts what these mean for ${name}`).toEqual([])
  })

  test('policies to paste are JSON, and hold every action that is asked for', () => {
    const policies = notes.setup.filter(({ language }) => language === 'json').map(({ text }) => text)
    for (const policy of policies) expect(() => JSON.parse(policy) as unknown).not.toThrow()
    const pasted = notes.setup.map(({ text }) => text).join('\n')
    for (const { grant } of notes.permissions) expect(pasted).toContain(grant)
  })
})
