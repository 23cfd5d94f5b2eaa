/** The pages of the rotators: their examples can be saved as they are, their policies and codes are those of the code. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROTATOR_NOTES } from '../../docs/rotator-notes/index.ts'
import { FAILURES } from '../../model/failures.ts'
import { findRotator, rotatorNames } from '../../rotators/index.ts'
import { adminCommandLine, type CommandLine } from '../cli/command-line.ts'
import { startApi, type Api } from '../server/api.ts'
import { codesThrownBy } from './codes-thrown.ts'

/** What the frame around every rotator ends in, wherever there is a target. */
const OF_ANY_TARGET = ['TARGET_CHANGED', 'TARGET_TAKEN', 'VERIFY_FAILED', 'OUTCOME_UNKNOWN']

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

test('every rotator has notes and a page, and there are no others', () => {
  const words = 'write docs/rotator-notes/<name>.ts, name it in its index.ts, and run "node docs/generate.ts"'
  expect(Object.keys(ROTATOR_NOTES).sort(), words).toEqual(rotatorNames())
  const pages = readdirSync(fileURLToPath(new URL('../../docs/rotators', import.meta.url))).sort()
  expect(pages, words).toEqual(['README.md', ...rotatorNames().map((name) => `${name}.md`)].sort())
})

describe.each(Object.entries(ROTATOR_NOTES))('%s', (name, notes) => {
  test('the example checks clean, is saved without a warning, and holds the rotate call', async () => {
    for (const { environment, yaml } of notes.example) {
      expect(await cli.run(['env', 'init', environment, '-f', '-'], { input: yaml })).toEqual({
        code: 0,
        stdout: expect.stringContaining(`Saved ${environment}`) as string,
        stderr: '',
      })
      const checked = await cli.run(['env', 'check', '-'], { input: yaml })
      expect(checked).toMatchObject({ code: 0, stderr: '' })
    }
    expect(notes.example.at(-1)!.yaml).toContain(`fn::rotate::${name}:`)
  })

  test('the failure codes are codes, and every one that its source can end in is explained', () => {
    expect(Object.keys(notes.failures).filter((code) => !Object.hasOwn(FAILURES, code))).toEqual([])
    const thrown = codesThrownBy(`rotators/${name}.ts`)
    expect(thrown, 'the source was not found').not.toEqual([])
    const withTarget = findRotator(name)!.permissions.length > 0
    // Whoever takes a connector fails as connectors do; its page has that by itself.
    const page = readFileSync(new URL(`../../docs/rotators/${name}.md`, import.meta.url), 'utf8')
    expect(page.includes('| `CONNECTOR_FAILED` '), page).toBe(
      page.includes('| `database.connector.awsLambda` '),
    )
    const silent = [...thrown, ...(withTarget ? OF_ANY_TARGET : [])].filter(
      (code) => !Object.hasOwn(notes.failures, code),
    )
    expect(silent, `say in docs/rotator-notes/${name}.ts what these mean for ${name}`).toEqual([])
  })

  test('what is to be pasted at the target has every grant that the rotator says it needs', () => {
    const pasted = notes.setup.map(({ text }) => text).join('\n')
    const words = findRotator(name)!.permissions.map(({ grant }) => grant.split(/\s/).at(-1)!)
    for (const { grant } of findRotator(name)!.permissions)
      for (const word of grant.match(
        /iam:\w+|CREATEROLE|CONNECT|ADMIN OPTION|CREATE USER ON|ON (?:mysql|app)\.\*/g,
      ) ?? words)
        expect(pasted).toContain(word)
  })
})

test('the policy for AWS allows exactly what the rotator asks, on the user it rotates and on itself alone', () => {
  const [policy] = ROTATOR_NOTES['aws-iam']!.setup.filter(({ language }) => language === 'json')
  const { Version, Statement } = JSON.parse(policy!.text) as {
    Version: string
    Statement: { Effect: string; Action: string[]; Resource: string }[]
  }
  expect(Version).toBe('2012-10-17')
  for (const statement of Statement)
    expect(statement).toMatchObject({
      Effect: 'Allow',
      Resource: expect.stringMatching(/^arn:aws:iam::\d{12}:user\/[^*]+$/) as string,
    })
  const { permissions } = findRotator('aws-iam')!
  const on = (whom: string) =>
    permissions.filter(({ who }) => who === `the login, on ${whom}`).map(({ grant }) => grant)
  expect(Statement.map(({ Action }) => Action)).toEqual([on('the user'), on('itself')])
  expect(Statement.flatMap(({ Action }) => Action)).toHaveLength(permissions.length)
})
