import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const VITEST = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
const REPORTER = fileURLToPath(new URL('closing-line.ts', import.meta.url))

/** What a vitest run over one file with this text prints, and its exit code. */
function outcome(text: string, ...options: string[]): Promise<[lines: string[], exitCode: number]> {
  const root = mkdtempSync(join(tmpdir(), 'rekey-closing-line-'))
  writeFileSync(join(root, 'a.test.ts'), text)
  const args = [
    VITEST,
    'run',
    '--root',
    root,
    '--globals',
    '--reporter',
    'default',
    '--reporter',
    REPORTER,
    ...options,
  ]
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root }, (error, stdout) => {
      rmSync(root, { recursive: true, force: true })
      resolve([stdout.trimEnd().split('\n'), error ? Number(error.code) : 0])
    })
  })
}

test.concurrent.each([
  ['all passed', `test('a', () => {}); test('b', () => {})`, '2 passed, 0 failed', 0],
  ['one failed', `test('a', () => {}); test('b', () => { throw new Error('no') })`, '1 passed, 1 failed', 1],
  ['a skipped test did not pass', `test('a', () => {}); test.skip('b', () => {})`, '1 passed, 1 failed', 1],
  ['nor did one still to be written', `test('a', () => {}); test.todo('b')`, '1 passed, 1 failed', 1],
  ['a file that does not load', `import './absent.ts'`, '0 passed, 1 failed', 1],
  ['a file without tests', '', '0 passed, 1 failed', 1],
  [
    'an error that no test caught',
    `test('a', () => new Promise((r) => { setTimeout(() => { throw new Error('late') }, 0); setTimeout(r, 50) }))`,
    '1 passed, 1 failed',
    1,
  ],
  [
    'a process that gives up before the end',
    `process.on('exit', () => {}); test('a', () => { process.kill(process.ppid, 'SIGINT'); return new Promise(() => {}) })`,
    '0 passed, 1 failed',
    1,
  ],
])('%s', async (_, text, line, code) => {
  const [lines, exitCode] = await outcome(text)
  expect(lines.at(-1)).toBe(line)
  expect(exitCode === 0 ? 0 : 1).toBe(code)
})

test('who asks for one test by name is not told that the others failed', async () => {
  const [lines, exitCode] = await outcome(`test('one', () => {}); test('other', () => {})`, '-t', 'one')
  expect([lines.at(-1), exitCode]).toEqual(['1 passed, 0 failed', 0])
})

test('what failed, and why, stands right before it, in a line of its own', async () => {
  const [lines] = await outcome(
    `describe('a', () => test('b', () => { throw new Error('two\\nlines ' + 'x'.repeat(9_999)) }))`,
  )
  expect(lines.at(-2)).toMatch(/^failed: a\.test\.ts > a > b: two lines x{1490}$/)
})

test('a file that does not load says so there too', async () => {
  const [lines] = await outcome(`import './absent.ts'`)
  expect(lines.at(-2)).toMatch(/^failed: a\.test\.ts: .*absent/)
})
