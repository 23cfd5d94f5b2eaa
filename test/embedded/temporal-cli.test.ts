import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findTemporalCli } from '../../embedded/temporal-cli.ts'
import { temporaryFolder } from './embedded-fixtures.ts'

const { PATH, HTTPS_PROXY, TMPDIR } = process.env
let folder: string
let tools: string

beforeEach(() => {
  folder = temporaryFolder('cli')
  tools = join(folder, '.tools')
  // Neither Temporal, nor Go, nor an earlier download, nor a network: what is there is what the test puts there.
  Object.assign(process.env, { PATH: join(folder, 'bin'), TMPDIR: folder, HTTPS_PROXY: 'http://127.0.0.1:1' })
})
afterEach(() => {
  Object.assign(process.env, { PATH })
  for (const [name, value] of Object.entries({ HTTPS_PROXY, TMPDIR }))
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
})

function program(path: string, script: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

const temporal = (path: string, version: string) =>
  program(path, `echo "temporal version 0.0.0-DEV (Server ${version}, UI 2.0.0)"`)

test('the one given is used before any other', async () => {
  temporal(join(folder, 'bin', 'temporal'), '1.1.1')
  const cli = temporal(join(folder, 'mine'), '2.2.2')
  expect(await findTemporalCli({ cli, tools })).toEqual({ path: cli, serverVersion: '2.2.2' })
})

test('one given that is none is refused, and no other is taken instead', async () => {
  temporal(join(folder, 'bin', 'temporal'), '1.1.1')
  for (const [cli, reason] of [
    [program(join(folder, 'other'), 'echo "other version 3"'), 'not a Temporal CLI with a server'],
    [join(folder, 'absent'), 'not there'],
    [program(join(folder, 'broken'), 'exit 3'), 'it cannot be run: 3'],
  ] as const)
    await expect(findTemporalCli({ cli, tools })).rejects.toThrow(
      `REKEY_TEMPORAL_CLI names ${cli}, which cannot be used: ${reason}`,
    )
})

test('the one on PATH comes before .tools, and is passed over when it is something else', async () => {
  const kept = temporal(join(tools, 'temporal', 'temporal'), '2.2.2')
  const found = temporal(join(folder, 'bin', 'temporal'), '1.1.1')
  expect(await findTemporalCli({ tools })).toEqual({ path: found, serverVersion: '1.1.1' })
  program(found, 'echo "temporal, a calendar, version 4"')
  expect(await findTemporalCli({ tools })).toEqual({ path: kept, serverVersion: '2.2.2' })
})

test('an earlier download is taken', async () => {
  const { version } = await import('@temporalio/testing/package.json', { with: { type: 'json' } }).then(
    (m) => m.default,
  )
  const path = temporal(join(folder, `temporal-cli-sdk-typescript-${version}`), '5.5.5')
  expect(await findTemporalCli({ tools })).toEqual({ path, serverVersion: '5.5.5' })
})

test('without any, it is built by go install into .tools, and found there the next time', async () => {
  const script = `[ "$1" = version ] && exit
    echo "$GOBIN $*" > ${folder}/asked
    printf '#!/bin/sh\\necho "temporal version 0.0.0-DEV (Server 6.6.6)"\\n' > $GOBIN/temporal
    /bin/chmod +x $GOBIN/temporal`
  program(join(folder, 'bin', 'go'), script)
  const said: string[] = []
  const built = await findTemporalCli({ tools, onProgress: (line) => said.push(line) })
  expect(built).toEqual({ path: join(tools, 'temporal', 'temporal'), serverVersion: '6.6.6' })
  expect(said.join()).toContain('go install')
  program(join(folder, 'bin', 'go'), 'exit 1')
  expect(await findTemporalCli({ tools })).toEqual(built)
})

test('with none to be had, one sentence says what was tried and what to install', async () => {
  program(join(folder, 'bin', 'temporal'), 'echo something else')
  const error = await findTemporalCli({ tools }).catch((reason: Error) => reason)
  expect(error).toBeInstanceOf(Error)
  const { message } = error as Error
  for (const word of [
    'install it',
    'Go 1.',
    'REKEY_TEMPORAL_CLI',
    'on PATH (not a Temporal CLI',
    '.tools (not there)',
  ])
    expect(message).toContain(word)
  expect(message).toContain('go install (Go is not installed)')
  expect(message).not.toContain('\n')
})
