/** Completion: what is offered, and that the shells themselves offer it, where they are installed; bash always is. */
import { execFile, execFileSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApi, type Api } from '../server/api.ts'
import { commandLine, type CommandLine } from './command-line.ts'

const REKEY = fileURLToPath(new URL('../../bin/rekey', import.meta.url))
const run = promisify(execFile)
/** Each Tab starts a shell and the command line from its sources. */
const PATIENT = { timeout: 150_000 }

let api: Api
let cli: CommandLine
let url: string
/** With `rekey` on its PATH. */
let bin: string

beforeAll(async () => {
  api = await startApi()
  url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  cli = await commandLine()
  const asAdmin = { env: { REKEY_TOKEN: api.tokens['admin']! } }
  expect((await cli.run(['login', url], asAdmin)).code).toBe(0)
  for (const name of ['billing/production', 'billing/staging', 'logins/app-database'])
    await cli.run(['env', 'init', name])
  await cli.run(['env', 'revision', 'tag', 'billing/production', 'stable'])
  bin = await mkdtemp(join(tmpdir(), 'rekey-bin-'))
  await writeFile(join(bin, 'rekey'), `#!/bin/sh\nexec ${REKEY} "$@"\n`)
  await chmod(join(bin, 'rekey'), 0o755)
})

afterAll(async () => {
  await rm(bin, { recursive: true, force: true })
  await cli.close()
  await api.close()
})

/** What is offered behind these words; the last one is half typed. */
async function offered(words: string[], env: Record<string, string> = {}): Promise<string[]> {
  const { code, stdout, stderr } = await cli.run(['__complete', '--', ...words], { env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0]!)
}

describe('what is offered', () => {
  test.each<[string[], string[]]>([
    [['env', 'rot'], ['rotate']],
    [['env', 'schedule', 'pa'], ['pause']],
    [['env', 'schedule', 'rm', 'billing/p'], ['billing/production']],
    [
      ['env', 'rotate', ''],
      ['billing/production', 'billing/staging', 'logins/app-database'],
    ],
    [
      ['env', 'rotate', '--force', 'bill'],
      ['billing/production', 'billing/staging'],
    ],
    [['env', 'rotate', 'main/log'], ['main/logins/app-database']],
    [['env', 'rotate', 'billing/production', ''], []],
    [['env', 'get', 'billing/production@s'], ['billing/production@stable']],
    [
      ['env', 'open', 'x', '--format', 'd'],
      ['json', 'yaml', 'dotenv', 'shell', 'string'],
    ],
    [['env', 'open', 'x', '--format=d'], ['--format=dotenv']],
    [['env', 'open', 'x', '--dur'], ['--duration']],
    [['env', 'open', '--duration', ''], []],
    [['env', 'init', 'a/b', '-f', ''], [':files']],
    [['env', 'run', 'billing/production', '--', 'ps'], [':commands']],
    [['env', 'run', 'billing/production', '--', 'psql', '-'], [':files']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['rotator', 'show', 'post'], ['postgres']],
    [['rotator', 'show', 'postgres', ''], []],
    [['provider', 'show', 'aws'], ['aws-login']],
    [['nonsense', 'x'], []],
    [['env', 'nonsense', ''], []],
  ])('%j', async (words, values) => {
    expect((await offered(words)).sort()).toEqual([...values].sort())
  })

  test('every visible command at the top, and none that is hidden', async () => {
    const top = await offered([''])
    expect(top).toEqual(expect.arrayContaining(['env', 'login', 'status', 'completion']))
    expect(top).not.toContain('__complete')
  })

  test('no names and no words without a login, with a wrong one, with a damaged one, and without a server', async () => {
    const nobody = await commandLine()
    const { code, stdout, stderr } = await nobody.run(['__complete', '--', 'env', 'rotate', ''])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
    await nobody.close()
    expect(await offered(['env', 'rotate', ''], { REKEY_URL: url, REKEY_TOKEN: 'wrong' })).toEqual([])
    expect(
      await offered(['env', 'rotate', ''], { REKEY_URL: 'http://127.0.0.1:9', REKEY_TOKEN: 'x' }),
    ).toEqual([])
    expect(await offered(['env', 'rotate', ''], { REKEY_URL: 'nonsense' })).toEqual([])
  })

  test('a name that a shell would act on is not offered, whatever the server says', async () => {
    const { createServer } = await import('node:http')
    const names = ['a', '$(id)', '`id`', 'a b', "a'b", 'a;b', 'a\n:commands', 'a\tb', 'a\u001b[2J', '-f']
    const environments = names.map((name) => ({ organization: 'main', project: 'p', name }))
    const foreign = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ environments }))
    })
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve))
    const { port } = foreign.address() as { port: number }
    const env = { REKEY_URL: `http://127.0.0.1:${port}`, REKEY_TOKEN: 'x', REKEY_ORG: 'main' }
    expect(await offered(['env', 'rotate', ''], env)).toEqual(['p/a', 'p/-f'])
    foreign.close()
  })

  test('a server that does not answer keeps nobody waiting', async () => {
    const { createServer } = await import('node:net')
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const started = Date.now()
    const env = { REKEY_URL: `http://127.0.0.1:${port}`, REKEY_TOKEN: 'x', REKEY_ORG: 'main' }
    expect(await offered(['env', 'rotate', ''], env)).toEqual([])
    expect(Date.now() - started).toBeLessThan(3_000)
    silent.close()
  })
})

function installed(shell: string): boolean {
  try {
    execFileSync(shell, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function inShell(shell: string, args: string[]): Promise<string[]> {
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: cli.home, TERM: 'xterm' }
  const { stdout } = await run(shell, args, { env, timeout: 25_000 })
  return stdout.split('\n').filter((line) => line !== '')
}

describe('bash', PATIENT, () => {
  /** What readline would put in the place of the last word, or of its part behind @, : or =. */
  const press = (line: string, breaks?: string) =>
    inShell('bash', [
      '--norc',
      '-c',
      `eval "$(rekey completion bash)"; ${breaks === undefined ? '' : `COMP_WORDBREAKS=$'${breaks}'; `}` +
        `COMP_LINE=$1 COMP_POINT=\${#1}; _rekey; printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      line,
    ])

  test('commands, environment names, revision tags, files', async () => {
    expect(await press('rekey env rot')).toEqual(['rotate'])
    expect(await press('rekey env rotate bill')).toEqual(['billing/production', 'billing/staging'])
    expect(await press('rekey env get billing/production@s')).toEqual(['stable'])
    expect(await press('rekey env get billing/production@s', ' \\t\\n')).toEqual([
      'billing/production@stable',
    ])
    expect(await press(`rekey env open x --format=d`)).toEqual(['dotenv'])
    expect(await press(`rekey env init a/b -f ${bin}/re`)).toEqual([`${bin}/rekey`])
    expect(await press('rekey env run billing/production -- bas')).toContain('bash')
    expect(await press('rekey env rotate nothing/like')).toEqual([])
  })
})

describe.runIf(installed('zsh'))('zsh', PATIENT, () => {
  /** The line after Tab was pressed in a real, interactive zsh. */
  const press = async (line: string) => {
    const script = `
      zmodload zsh/zpty
      zpty shell "TERM=dumb zsh -f -i"
      zpty -w shell "PS1=; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; eval \\"\\$(rekey completion zsh)\\"; show() { print -r -- \\"<<\\$BUFFER>>\\"; zle send-break }; zle -N show; bindkey '^X' show; print READY"
      zpty -r -m shell text $'*READY*READY*'
      zpty -w -n shell "$1"$'\\t'
      zpty -w -n shell $'\\x18'
      zpty -r -m shell text '*<<*>>*'
      print -r -- "$text"
      zpty -d shell`
    const out = (await inShell('zsh', ['-f', '-c', script, 'zsh', line])).join('\n')
    return /<<(.*)>>/.exec(out)?.[1]
  }

  test('commands and environment names', async () => {
    expect(await press('rekey env rota')).toBe('rekey env rotate ')
    expect(await press('rekey env rotate log')).toBe('rekey env rotate logins/app-database ')
    expect(await press('rekey env get billing/production@s')).toBe('rekey env get billing/production@stable ')
    expect(await press('rekey env rotate bi')).toBe('rekey env rotate billing/')
  })
})

describe.runIf(installed('fish'))('fish', PATIENT, () => {
  const press = (line: string) =>
    inShell('fish', ['--no-config', '-c', 'rekey completion fish | source; complete -C $argv[1]', line])

  test('commands with what they are for, environment names, files', async () => {
    expect(await press('rekey env rota')).toEqual([expect.stringMatching(/^rotate\treplace credentials now/)])
    expect(await press('rekey env rotate bill')).toEqual(['billing/production', 'billing/staging'])
    expect(await press('rekey env get billing/production@s')).toEqual([
      'billing/production@stable\trevision 1',
    ])
    expect(await press(`rekey env init a/b -f ${bin}/re`)).toEqual([`${bin}/rekey`])
    expect(await press('rekey env rotate nothing/like')).toEqual([])
  })
})
