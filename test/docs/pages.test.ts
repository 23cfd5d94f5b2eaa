/** The pages of rotators and logins: their examples can be saved as they are, their policies and codes are those of the code. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOGIN_NOTES } from '../../docs/login-notes/index.ts'
import { ROTATOR_NOTES } from '../../docs/rotator-notes/index.ts'
import { FAILURES } from '../../model/failures.ts'
import { findRotator, rotatorNames } from '../../rotators/index.ts'
import { loginNames } from '../../rotators/logins/index.ts'
import { adminCommandLine, type CommandLine } from '../cli/command-line.ts'
import { startApi, type Api } from '../server/api.ts'
import { codesThrownBy } from './codes-thrown.ts'

/** What the frame around every rotator ends in, wherever there is a target. */
const OF_ANY_TARGET = ['TARGET_CHANGED', 'TARGET_TAKEN', 'VERIFY_FAILED', 'OUTCOME_UNKNOWN']

const ROOT = new URL('../../', import.meta.url)
const ROTATORS = {
  notes: ROTATOR_NOTES,
  names: rotatorNames(),
  pages: 'docs/rotators',
  notesIn: 'docs/rotator-notes',
  sources: 'rotators',
  call: 'fn::rotate::',
}
const LOGINS = {
  notes: LOGIN_NOTES,
  names: loginNames(),
  pages: 'docs/logins',
  notesIn: 'docs/login-notes',
  sources: 'rotators/logins',
  call: 'fn::open::',
}

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

describe.each([ROTATORS, LOGINS])('$pages', ({ notes: all, names, pages, notesIn, sources, call }) => {
  test('each has notes and a page, and there are no others', () => {
    const words = `write ${notesIn}/<name>.ts, name it in its index.ts, and run "make docs"`
    expect(Object.keys(all).sort(), words).toEqual(names)
    const found = readdirSync(new URL(pages, ROOT)).sort()
    expect(found, words).toEqual(['README.md', ...names.map((name) => `${name}.md`)].sort())
  })

  test.each(Object.entries(all))(
    'the example of %s checks clean, is saved without a warning, and holds the call',
    async (name, { example }) => {
      for (const { environment, yaml } of example) {
        expect(await cli.run(['env', 'init', environment, '-f', '-'], { input: yaml })).toEqual({
          code: 0,
          stdout: expect.stringContaining(`Saved ${environment}`) as string,
          stderr: '',
        })
        const checked = await cli.run(['env', 'check', '-'], { input: yaml })
        expect(checked).toMatchObject({ code: 0, stderr: '' })
      }
      expect(example.map(({ yaml }) => yaml).join('')).toContain(`${call}${name}:`)
      // Another page may use the same names.
      for (const { environment } of example)
        expect(await cli.run(['env', 'rm', environment, '--yes'])).toMatchObject({ code: 0 })
    },
  )

  test.each(Object.entries(all))(
    'the failure codes of %s are codes, and every one that its source can end in is explained',
    (name, { failures }) => {
      expect(Object.keys(failures).filter((code) => !Object.hasOwn(FAILURES, code))).toEqual([])
      const thrown = codesThrownBy(`${sources}/${name}.ts`)
      expect(thrown, 'the source was not found').not.toEqual([])
      const withTarget = all === ROTATOR_NOTES && findRotator(name)!.permissions.length > 0
      const silent = [...thrown, ...(withTarget ? OF_ANY_TARGET : [])].filter(
        (code) => !Object.hasOwn(failures, code),
      )
      expect(silent, `say in ${notesIn}/${name}.ts what these mean for ${name}`).toEqual([])
    },
  )
})

test.each(rotatorNames())(
  '%s: who takes a connector fails as connectors do, and the page says so',
  (name) => {
    const page = readFileSync(new URL(`docs/rotators/${name}.md`, ROOT), 'utf8')
    expect(page.includes('| `CONNECTOR_FAILED` '), page).toBe(
      page.includes('| `database.connector.awsLambda` '),
    )
  },
)

test.each(Object.entries(ROTATOR_NOTES))(
  'what is to be pasted at the target of %s has every grant that the rotator says it needs',
  (name, { setup }) => {
    const pasted = setup.map(({ text }) => text).join('\n')
    const words = findRotator(name)!.permissions.map(({ grant }) => grant.split(/\s/).at(-1)!)
    for (const { grant } of findRotator(name)!.permissions)
      for (const word of grant.match(
        /iam:\w+|CREATEROLE|CONNECT|ADMIN OPTION|CREATE USER ON|ON (?:mysql|app)\.\*/g,
      ) ?? words)
        expect(pasted).toContain(word)
  },
)

test.each(Object.entries(LOGIN_NOTES))(
  'policies to paste for %s are JSON, and hold every action that is asked for',
  (_name, { setup, permissions }) => {
    const policies = setup.filter(({ language }) => language === 'json').map(({ text }) => text)
    for (const policy of policies) expect(() => JSON.parse(policy) as unknown).not.toThrow()
    const pasted = setup.map(({ text }) => text).join('\n')
    for (const { grant } of permissions) expect(pasted).toContain(grant)
  },
)

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
