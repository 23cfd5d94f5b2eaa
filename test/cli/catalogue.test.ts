/** `rekey rotator` and `rekey provider`, over a real API. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findRotator, rotatorNames } from '../../rotators/index.ts'
import { loginNames } from '../../rotators/logins/index.ts'
import { startApi, type Api } from '../server/api.ts'
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

describe.each([
  ['rotator', rotatorNames()],
  ['provider', loginNames()],
])('rekey %s', (kind, names) => {
  test('ls names each on a line of its own, and with --json for programs', async () => {
    const { code, stdout, stderr } = await cli.run([kind, 'ls'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [heading, ...lines] = stdout.trim().split('\n')
    expect(heading).toMatch(new RegExp(`^${kind.toUpperCase()} +FOR +NEEDED INPUTS$`))
    expect(lines.map((line) => line.split(' ')[0])).toEqual(names)
    const { stdout: json } = await cli.run([kind, 'ls', '--json'])
    expect(JSON.parse(json)).toEqual(names)
  })

  test.each(names)('show %s', async (name) => {
    const { code, stdout, stderr } = await cli.run([kind, 'show', name])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^fn::(rotate|open)::${name}: .+\n\nINPUT +TYPE +MARKS +MEANING\n`))
    expect(stdout).toMatch(/\n\nOUTPUT +TYPE +MARKS +MEANING\n/)
    const { stdout: json } = await cli.run([kind, 'show', name, '--json'])
    expect(JSON.parse(json)).toMatchObject({ name, inputs: { type: 'object' } })
  })

  test('one that is not there: exit code 1 and the names of those that are', async () => {
    const { code, stdout, stderr } = await cli.run([kind, 'show', 'nonsense'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(names.join(', '))
  })
})

test('show password: that it has no target, and so no log-in', async () => {
  const { stdout } = await cli.run(['rotator', 'show', 'password'])
  expect(stdout).toMatch(/\n\nno target: .+nothing logs in before a value is published\n$/)
  expect((await cli.run(['rotator', 'show', 'postgres'])).stdout).not.toContain('no target')
})

test('show postgres: what is needed, what is secret, what is rotate-only, and what to grant', async () => {
  const { stdout } = await cli.run(['rotator', 'show', 'postgres'])
  expect(stdout).toMatch(/^database\.managingUser +object +required, rotate-only +\S/m)
  expect(stdout).toMatch(/^database\.managingUser\.password +string +required, secret +\S/m)
  for (const { grant } of findRotator('postgres')!.permissions) expect(stdout).toContain(grant)
})
