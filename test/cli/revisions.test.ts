import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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

/** An environment whose revisions 2, 3, … hold `a: 2`, `a: 3`, … */
async function withRevisions(last: number): Promise<string> {
  const name = freshName()
  await cli.run(['env', 'init', name])
  for (let number = 2; number <= last; number++) await cli.run(['env', 'set', name, 'a', String(number)])
  return name
}

async function json(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await cli.run([...args, '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

test('revision ls lists as history --revisions does, and no more than asked for', async () => {
  const name = await withRevisions(4)
  const listed = await json('env', 'revision', 'ls', name, '--limit', '3')
  expect((listed as { number: number }[]).map(({ number }) => number)).toEqual([4, 3, 2])
  expect(await json('env', 'history', name, '--revisions', '--limit', '3')).toEqual(listed)
})

test('a tag is set on a revision, moved, listed, shown, used and removed', async () => {
  const name = await withRevisions(3)
  expect(await json('env', 'revision', 'tag', `${name}@2`, 'stable')).toMatchObject({
    tag: 'stable',
    revision: 2,
  })
  expect((await cli.run(['env', 'get', `${name}@stable`, 'a'])).stdout).toBe('2\n')
  expect((await cli.run(['env', 'revision', 'tag', name, 'stable'])).stdout).toBe(
    `${name}@stable is revision 3 now\n`,
  )
  expect(await json('env', 'revision', 'tag', `${name}@stable`, 'seen')).toMatchObject({ revision: 3 })
  expect((await cli.run(['env', 'revision', 'tags', name])).stdout).toMatch(
    /^latest +3 .*\nseen +3 .*\nstable +3 .* admin$/m,
  )
  expect(await json('env', 'revision', 'tags', name, 'stable')).toMatchObject({ name: 'stable', revision: 3 })
  expect((await cli.run(['env', 'revision', 'untag', name, 'stable'])).code).toBe(0)
  const gone = await cli.run(['env', 'revision', 'tags', name, 'stable'])
  expect(gone).toEqual({ code: 1, stdout: '', stderr: 'rekey: there is no revision tag "stable"\n' })
})

test('rollback saves an old text as the newest, and wants to know which', async () => {
  const name = await withRevisions(3)
  expect(await json('env', 'revision', 'rollback', `${name}@2`)).toMatchObject({ revision: 4 })
  expect((await cli.run(['env', 'get', name, 'a'])).stdout).toBe('2\n')
  const which = await cli.run(['env', 'revision', 'rollback', name])
  expect(which.code).toBe(1)
  expect(which.stderr).toContain(`${name}@<number or tag>`)
})

test('clone copies one revision, or all up to it', async () => {
  const name = await withRevisions(3)
  const [one, all, old] = [freshName(), freshName(), freshName()]
  expect((await cli.run(['env', 'clone', name, one])).stdout).toBe(`Made main/${one} from main/${name}\n`)
  expect(await json('env', 'get', one)).toMatchObject({ definition: 'values:\n  a: 3\n' })
  await json('env', 'clone', name, all, '--history')
  expect(await json('env', 'revision', 'ls', all)).toHaveLength(3)
  await json('env', 'clone', `${name}@2`, old)
  expect((await cli.run(['env', 'get', old, 'a'])).stdout).toBe('2\n')
  const taken = await cli.run(['env', 'clone', name, one])
  expect(taken.code).toBe(1)
  expect(taken.stderr).toContain('already exists')
})

test('check tells what is wrong with a file and where, and saves nothing', async () => {
  const file = join(cli.home, 'wrong.yaml')
  await writeFile(file, 'values:\n  a: ${b}\n')
  const { code, stdout, stderr } = await cli.run(['env', 'check', file])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(`${file}:2:8: error: unknown property "b"`)
  expect(stderr).toContain('  2 |   a: ${b}\n    |        ^')
  expect(stderr).toContain('correct the error above')
  const right = await cli.run(['env', 'check', '-'], { input: 'values: { a: 1 }\n' })
  expect(right).toEqual({ code: 0, stdout: '- is right\n', stderr: '' })
  const machine = await cli.run(['env', 'check', file, '--json'])
  expect(machine.code).toBe(1)
  expect(JSON.parse(machine.stdout)).toMatchObject({ valid: false, diagnostics: [{ severity: 'error' }] })
})

test('status tells the server, its state and the person; and what is away', async () => {
  const up = await cli.run(['status'])
  expect(up).toMatchObject({ code: 0, stderr: '' })
  expect(up.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+ is ready$/m)
  expect(up.stdout).toMatch(/^you are admin, of main$/m)
  expect(await json('status')).toMatchObject({ ready: true, login: 'admin', organizations: ['main'] })
  api.services.checks['temporal'] = () => Promise.reject(new Error('away'))
  try {
    const down = await cli.run(['status'])
    expect(down.code).toBe(1)
    expect(down.stdout).toMatch(/is not ready$[^]*temporal: away$/m)
    expect(down.stderr).toMatch(/^rekey: http.* is not ready: temporal; it recovers/)
  } finally {
    delete api.services.checks['temporal']
  }
})
