/**
 * Follows docs/getting-started.md to the letter: every command, in one shell, on servers that `rekey dev` starts. What the
 * page shows as output must be there. Only `psql` is ours: no package brings it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(ROOT, 'docs/getting-started.md'), 'utf8')

interface Block {
  commands: string
  /** Lines that the page shows below them; those with an ellipsis stand for others. */
  shown: string[]
}

/** The page's shell blocks, each with the text block that follows it before the next one. */
const blocks = page
  .split(/^```sh\n/m)
  .slice(1)
  .map((part): Block => {
    const [commands = '', rest = ''] = part.split(/^```$/m, 2)
    const after = part.slice(commands.length + rest.length)
    const text = /^```text\n([\s\S]*?)^```$/m.exec(part.slice(commands.length))?.[1] ?? (after && '')
    return { commands, shown: text.split('\n').filter((line) => line.trim() !== '' && !line.includes('…')) }
  })

/** As much of psql as the page uses: SQL from -c or standard input, one column shown as psql does. */
const PSQL = `
import pg from '${ROOT}node_modules/pg/esm/index.mjs'
import { readFileSync } from 'node:fs'
const { values } = (await import('node:util')).parseArgs({
  options: { d: { type: 'string', short: 'd' }, c: { type: 'string', short: 'c' }, q: { type: 'boolean', short: 'q' } },
})
const client = new pg.Client({ database: values.d })
await client.connect()
// As psql: statement by statement, since some cannot be in a transaction.
for (const sql of (values.c ?? readFileSync(0, 'utf8')).split(/;\\s*$/m).filter((one) => one.trim() !== '')) {
  const { fields, rows } = await client.query({ text: sql, rowMode: 'array' })
  if (fields.length === 0) continue
  const width = Math.max(fields[0].name.length, ...rows.map(([cell]) => cell.length))
  console.log(' ' + fields[0].name + '\\n' + '-'.repeat(width + 2))
  for (const [cell] of rows) console.log(' ' + cell)
  console.log('(' + rows.length + ' row)')
}
await client.end()
`

let folder: string
let dev: ChildProcess
let url: string
let home: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rekey-start-'))
  home = mkdtempSync(join(tmpdir(), 'rekey-home-'))
  // PostgreSQL does not run as root, and its own user must be able to enter.
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'bin'))
  symlinkSync(join(ROOT, 'bin/rekey'), join(folder, 'bin/rekey'))
  writeFileSync(join(home, 'psql.mjs'), PSQL)
  writeFileSync(
    join(home, 'psql'),
    `#!/bin/sh\nexec '${process.execPath}' '${join(home, 'psql.mjs')}' "$@"\n`,
    {
      mode: 0o755,
    },
  )
  dev = spawn(join(folder, 'bin/rekey'), ['dev', '--listen', '127.0.0.1:0'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: dev.stdout! })
  for await (const line of lines) {
    const ready = /^rekey ready (\S+) /.exec(line)?.[1]
    if (ready === undefined) continue
    url = ready
    break
  }
  expect(url, 'rekey dev did not start').toBeDefined()
}, 180_000)

afterAll(async () => {
  if (dev?.exitCode === null) {
    const ended = once(dev, 'exit')
    dev.kill('SIGTERM')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
  rmSync(home, { recursive: true, force: true })
}, 60_000)

/** Everything up to and with one block, in one shell that ends at the first failure; what each block printed. */
async function follow(): Promise<{ code: number | null; printed: string[] }> {
  const script = blocks
    .filter(({ commands }) => !commands.startsWith('make '))
    .map(({ commands }) => `echo '<<block>>'\n${commands}`)
    .join('\n')
    .replaceAll('http://127.0.0.1:8790', url)
  const shell = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    cwd: folder,
    env: { PATH: `${home}:/usr/bin:/bin`, HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [shell.stdout, shell.stderr])
    stream.on('data', (chunk: Buffer) => (text += String(chunk)))
  const [code] = (await once(shell, 'close')) as [number | null]
  return { code, printed: text.split('<<block>>\n').slice(1) }
}

describe('getting started', () => {
  test('the page has its blocks, and what they show', () => {
    expect(blocks.length).toBeGreaterThan(9)
    expect(blocks[0]!.commands).toBe('make dev\n')
    expect(blocks.flatMap(({ shown }) => shown)).toContain('exit code 2')
  })

  test('every command works, and shows what the page says', { timeout: 300_000 }, async () => {
    const { code, printed } = await follow()
    const run = blocks.slice(1)
    expect({ code, blocks: printed.length, last: printed.at(-1) }).toMatchObject({
      code: 0,
      blocks: run.length,
    })
    for (const [index, { commands, shown }] of run.entries()) {
      const got = printed[index]!.replaceAll(url, 'http://127.0.0.1:8790').split('\n').map(squeezed)
      for (const line of shown)
        expect(got, `below:\n${commands}\n${got.join('\n')}`).toContain(squeezed(line))
    }
    const all = printed.join('')
    expect(all).toMatch(/^"?app_user_2"?$/m)
    expect(all.match(/03:00:00/g)!.length).toBeGreaterThanOrEqual(10)
    expect(all).not.toContain('choose-a-long-one')
  })
})

function squeezed(line: string): string {
  return line.trim().replaceAll(/\s+/g, ' ')
}
