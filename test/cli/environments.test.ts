import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshName, startApi, type Api } from '../server/api.ts'
import { adminCommandLine, commandLine, type CommandLine } from './command-line.ts'

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

/** An environment with this definition. */
async function made(definition: string): Promise<string> {
  const name = freshName()
  const { code, stderr } = await cli.run(['env', 'init', name, '-f', '-'], { input: definition })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return name
}

describe('definitions', () => {
  test('init, ls, get, rm of an environment', async () => {
    const name = await made('values:\n  a: 1 # one\n')
    expect((await cli.run(['env', 'ls'])).stdout).toContain(name)
    expect((await cli.run(['env', 'get', name])).stdout).toBe('values:\n  a: 1 # one\n')
    expect((await cli.run(['env', 'get', `main/${name}@1`])).stdout).toBe('')
    const unconfirmed = await cli.run(['env', 'rm', name])
    expect(unconfirmed.code).toBe(1)
    expect(unconfirmed.stderr).toContain('--yes')
    expect((await cli.run(['env', 'rm', name, '--yes'])).code).toBe(0)
    const gone = await cli.run(['env', 'get', name])
    expect(gone).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(
        `rekey: there is no environment main/${name} that you may read`,
      ) as string,
    })
  })

  test('set and rm change one value and leave the rest of the text alone', async () => {
    const name = await made('# kept\nvalues:\n  a: 1   # kept too\n  b: [x, y]\n')
    await cli.run(['env', 'set', name, 'c.d["odd key"]', '{n: 5}'])
    await cli.run(['env', 'set', name, 'version', '1.10', '--string'])
    expect((await cli.run(['env', 'rm', name, 'b[0]'])).stdout).toContain('revision 5')
    const { stdout } = await cli.run(['env', 'get', name])
    expect(stdout).toContain('# kept\nvalues:\n  a: 1   # kept too\n')
    expect(JSON.parse((await cli.run(['env', 'open', name])).stdout)).toEqual({
      a: 1,
      b: ['y'],
      c: { d: { 'odd key': { n: 5 } } },
      version: '1.10',
    })
    const missing = await cli.run(['env', 'rm', name, 'nothing.here'])
    expect(missing.stderr).toBe(`rekey: ${name} defines nothing at nothing.here\n`)
    expect(missing.code).toBe(1)
  })

  test('a secret comes from standard input, is sealed, and shows only when asked for', async () => {
    const name = await made('values: {}\n')
    await cli.run(['env', 'set', name, 'password', '-', '--secret'], { input: 'hunter2\n' })
    const sealed = await cli.run(['env', 'get', name])
    expect(sealed.stdout).toContain('ciphertext')
    expect(sealed.stdout).not.toContain('hunter2')
    const shown = await cli.run(['env', 'get', name, 'password', '--show-secrets'])
    expect(shown.stdout).toContain('fn::secret: hunter2')
    expect((await cli.run(['env', 'open', name, 'password', '--format', 'string'])).stdout).toBe('hunter2\n')
  })

  test('set tries once more when somebody else saved in between', async () => {
    const name = await made('values: {}\n')
    // Another save gets in between the reading and the saving of ours, once.
    let between = true
    const newest = async () => (await cli.run(['env', 'history', name, '--revisions', '--json'])).stdout
    const realFetch = globalThis.fetch
    globalThis.fetch = async (target, init) => {
      if (init?.method === 'PATCH' && between) {
        between = false
        await api.call('PATCH', `/api/esc/environments/main/${name}`, { body: 'values:\n  theirs: 1\n' })
      }
      return realFetch(target, init)
    }
    try {
      expect((await cli.run(['env', 'set', name, 'ours', '2'])).code).toBe(0)
    } finally {
      globalThis.fetch = realFetch
    }
    expect(JSON.parse((await cli.run(['env', 'open', name])).stdout)).toEqual({ theirs: 1, ours: 2 })
    expect(JSON.parse(await newest())).toHaveLength(4)
  })

  test.each([
    [
      'values:\n  a: ${nope}\n',
      /:2:8: error: unknown property "nope"\n {2}2 \| {3}a: \$\{nope\}\n {4}\| {8}\^{4}\n/,
    ],
    ['values: [\n', /:\d+:\d+: error: .+\n {2}\d+ \| /],
  ])('a wrong definition shows where, and changes nothing', async (definition, expected) => {
    const name = await made('values:\n  a: 1\n')
    const { code, stdout, stderr } = await cli.run(['env', 'edit', name, '-f', '-'], { input: definition })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(expected)
    expect(stderr).toMatch(/rekey: .+ was not changed: .+\n$/)
    expect((await cli.run(['env', 'get', name])).stdout).toBe('values:\n  a: 1\n')
  })

  test('numbers keep every digit they were written with', async () => {
    const name = await made('values:\n  big: 12345678901234567890\n  fine: 1.10\n')
    const { stdout } = await cli.run(['env', 'open', name])
    expect(stdout).toContain('12345678901234567890')
    expect((await cli.run(['env', 'open', name, 'big', '--format', 'yaml'])).stdout).toBe(
      '12345678901234567890\n',
    )
    const refused = await cli.run(['env', 'set', name, 'big', '12345678901234567891'])
    expect(refused.stderr).toContain('--string')
  })
})

describe('opened values', () => {
  const definition = [
    'values:',
    '  word: { fn::secret: "s3cret-$-\'quoted\'" }',
    '  environmentVariables:',
    '    WORD: ${word}',
    '    COUNT: 3',
    '  files:',
    '    KEY_FILE: ${word}',
    '',
  ].join('\n')

  test('as variables for a shell, which reads back what was meant', async () => {
    const name = await made(definition)
    const { stdout, stderr } = await cli.run(['env', 'open', name, '--format', 'shell'])
    expect(stdout.split('\n').sort()).toEqual([
      '',
      "export COUNT='3'",
      `export WORD='s3cret-$-'\\''quoted'\\'''`,
    ])
    expect(stderr).toContain('rekey env run')
    const both = await cli.run(['env', 'open', name, 'word', '--format', 'dotenv'])
    expect(both.code).toBe(1)
  })

  test('run sets variables and files, fills arguments, hides secrets, and hands on the exit code', async () => {
    const name = await made(definition)
    const script =
      'echo "$WORD $COUNT"; cat "$KEY_FILE" >&2; stat -c %a "$KEY_FILE"; echo "$KEY_FILE"; echo "$1"; exit 7'
    const { code, stdout, stderr } = await cli.run([
      'env',
      'run',
      name,
      'sh',
      '-c',
      script,
      'sh',
      '$${x} ${word}',
    ])
    const [first, mode, file, argument] = stdout.split('\n')
    expect({ code, first, mode, argument, stderr }).toEqual({
      code: 7,
      first: '[secret] 3',
      mode: '600',
      argument: '${x} [secret]',
      stderr: '[secret]',
    })
    await expect(stat(file!)).rejects.toThrow('ENOENT')
  })

  test('run of what is not there, and of what is killed', async () => {
    const name = await made('values: {}\n')
    expect(await cli.run(['env', 'run', name, 'no-such-program'])).toEqual({
      code: 127,
      stdout: '',
      stderr: 'rekey: the command "no-such-program" cannot be run: it is not there\n',
    })
    expect((await cli.run(['env', 'run', name, '--', 'sh', '-c', 'kill -TERM $$'])).code).toBe(143)
    const unknown = await cli.run(['env', 'run', name, 'echo', '${no.such}'])
    expect(unknown).toMatchObject({ code: 1, stderr: 'rekey: there is no value at no\n' })
  })
})

describe('login', () => {
  test("remembers the token for its server alone, in a file that is the person's", async () => {
    const { REKEY_URL: url, token } = { REKEY_URL: api.app.listeningOrigin, token: api.tokens['admin']! }
    const person = await commandLine()
    try {
      const before = await person.run(['env', 'ls'])
      expect(before.stderr).toContain('rekey login')
      const wrong = await person.run(['login', url, '--token-file', '-'], { input: 'rkp_wrong\n' })
      expect(wrong.code).toBe(1)
      const { code, stdout, stderr } = await person.run(['login', `${url}/`, '--token-file', '-'], {
        input: `${token}\n`,
      })
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: `Logged in to ${url} as admin, organization main\n`,
      })
      const file = join(person.home, '.config', 'rekey', 'login.json')
      expect(stderr).toContain(file)
      expect(stdout + stderr).not.toContain(token)
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      expect((await person.run(['env', 'ls'])).code).toBe(0)
      const elsewhere = await person.run(['env', 'ls'], { env: { REKEY_URL: 'http://127.0.0.1:9' } })
      expect(elsewhere.stderr).toContain('not logged in at http://127.0.0.1:9')
      await person.run(['logout'])
      expect((await person.run(['env', 'ls'])).stderr).toContain('not logged in')
      expect(await readdir(join(person.home, '.config', 'rekey'))).toEqual([])
    } finally {
      await person.close()
    }
  })

  test('a damaged file says so', async () => {
    const person = await commandLine()
    try {
      await person.run(['login', api.app.listeningOrigin], { env: { REKEY_TOKEN: api.tokens['admin']! } })
      const file = join(person.home, '.config', 'rekey', 'login.json')
      await writeFile(file, '{')
      expect((await person.run(['env', 'ls'])).stderr).toBe(
        `rekey: ${file} is damaged: remove it and run "rekey login"\n`,
      )
    } finally {
      await person.close()
    }
  })
})

test('an editor changes the definition, and only its user can read the draft', async () => {
  const name = await made('values:\n  level: debug\n')
  const editor = join(cli.home, 'editor.sh')
  const seen = join(cli.home, 'seen')
  await writeFile(editor, `#!/bin/sh\nstat -c %a "$1" > ${seen}\nsed -i s/debug/info/ "$1"\n`)
  await chmod(editor, 0o700)
  const headless = await cli.run(['env', 'edit', name])
  expect(headless.stderr).toContain('-f')
  const { openDraft } = await import('../../cli/draft.ts')
  const draft = await openDraft('values:\n  level: debug\n')
  const around = { configHome: '', editor, colours: 'never' as const, environment: { PATH: '/usr/bin:/bin' } }
  expect(await draft.edit({ surroundings: around } as never)).toBe('values:\n  level: info\n')
  expect(await readFile(seen, 'utf8')).toBe('600\n')
  await draft.discard()
  await expect(stat(dirname(draft.file))).rejects.toThrow('ENOENT')
})
