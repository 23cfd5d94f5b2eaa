/**
 * Every example is followed to the letter on real servers: its SQL, its definitions, each command of its page. Afterwards
 * somebody without a right on the managing login opens what is published, and it logs in.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findRotator } from '../../rotators/index.ts'
import { commandLine, type CommandLine, type Ran } from '../cli/command-line.ts'
import { startLineApi, type LineApi } from '../server/line-api.ts'
import { readPage } from './page.ts'
import type { ExampleTarget } from './target.ts'
import { TARGETS } from './targets.ts'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
const NAMES = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
/** The words of the table of examples on when one rotates, and how many days may lie between two due times. */
const CADENCES: [RegExp, number, number][] = [
  [/night/, 1, 1],
  [/days$/, 7, 7],
  [/month/, 28, 31],
  [/quarter/, 90, 92],
]
const DAY = 24 * 3_600_000
const index = readFileSync(join(EXAMPLES, 'README.md'), 'utf8')

let api: LineApi
let cli: CommandLine
let stopWorker: () => void
let worker: Promise<void>
const here = process.cwd()

beforeAll(async () => {
  api = await startLineApi({}, { oidc: { audience: 'aws:{org}', lifetime: 90 * DAY, lead: DAY } })
  // What takes AWS fifteen seconds takes moto none.
  api.line.services.findRotator = (name) => {
    const rotator = findRotator(name)
    return rotator?.settling
      ? { ...rotator, settling: { successes: 3, deadline: 1_500, pause: 50 } }
      : rotator
  }
  cli = await commandLine({ REKEY_URL: api.url, REKEY_TOKEN: api.token })
  const stopped = Promise.withResolvers<void>()
  stopWorker = stopped.resolve
  worker = api.line.withWorker(() => stopped.promise)
})

afterAll(async () => {
  process.chdir(here)
  stopWorker()
  await worker
  await cli.close()
  await api.close()
})

test('the table of examples has each of them, and no other', () => {
  const linked = [...index.matchAll(/^\| \[([\w-]+)\]\(([\w-]+)\/README\.md\)/gm)]
  expect(linked.map(([, name]) => name!).toSorted()).toEqual(NAMES.toSorted())
  for (const [, name, folder] of linked) expect(folder).toBe(name)
})

test('all of them can be followed in one place: no two have an environment or a target in common', () => {
  const definitions = NAMES.map((name) =>
    readdirSync(join(EXAMPLES, name))
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => ({ file, text: readFileSync(join(EXAMPLES, name, file), 'utf8') })),
  )
  const files = definitions.flatMap((folder) => folder.map(({ file }) => file))
  expect(files).toEqual([...new Set(files)])
  // An account knows a user by the last part of its ARN alone.
  const users = definitions.flatMap((folder) => [
    ...new Set(
      folder.flatMap(({ text }) =>
        [...text.matchAll(/(?:userArn: \S+\/|username[12]: )(\S+)/g)].map(([, user]) => user),
      ),
    ),
  ])
  expect(users.length).toBeGreaterThan(NAMES.length)
  expect(users).toEqual([...new Set(users)])
})

describe.each(NAMES)('%s', (name) => {
  const page = readPage(join(EXAMPLES, name))
  const files = readdirSync(join(EXAMPLES, name)).filter((file) => file.endsWith('.yaml'))
  const linesOf = (...words: string[]) =>
    page.lines.filter(({ args }) => words.every((word, at) => args[at] === word))
  const made = linesOf('env', 'init').map(({ args: [, , environment, , file] }) => ({
    environment: environment!,
    file: file!,
  }))
  const targets: ExampleTarget[] = []
  const ran: { line: (typeof page.lines)[number]; result: Ran }[] = []
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekey-example-'))
    cpSync(join(EXAMPLES, name), folder, { recursive: true })
    process.chdir(folder)
    const calls = files.flatMap((file) => [
      ...read(file).matchAll(/(?:fn::rotate::|connector:\s+)([\w-]+):/g),
    ])
    for (const rotator of new Set(calls.map(([, one]) => one!))) {
      const prepare = TARGETS[rotator]
      if (!prepare) throw new Error(`say in test/examples/targets.ts what ${name} rotates with ${rotator}`)
      targets.push(await prepare(page, api))
    }
    for (const file of files)
      writeFileSync(
        file,
        targets.reduce((text, target) => target.point(text), read(file)),
      )
    for (const line of page.lines) {
      const { args, tokenFile, outputFile } = line
      const env = tokenFile === undefined ? {} : { REKEY_TOKEN: read(tokenFile).trim() }
      const result = await cli.run(args, { env })
      if (outputFile !== undefined) writeFileSync(outputFile, result.stdout)
      ran.push({ line, result })
      if ((result.code === 0) === line.isRefused) break
    }
  }, 120_000)

  afterAll(async () => {
    process.chdir(here)
    for (const target of targets) await target.dispose()
    rmSync(folder, { recursive: true, force: true })
  })

  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  const asReader = (): { env: Record<string, string>; login: string } => {
    const { args, outputFile } = linesOf('user', 'add').at(-1)!
    return { env: { REKEY_TOKEN: read(outputFile!).trim() }, login: args[2]! }
  }

  test('its page makes, tries, rotates, schedules, opens and edits', () => {
    for (const words of [
      ['env', 'init'],
      ['env', 'rotate'],
      ['env', 'schedule', 'new'],
      ['env', 'schedule', 'get'],
      ['user', 'add'],
      ['grant', 'give'],
      ['env', 'run'],
      ['env', 'edit'],
    ])
      expect(linesOf(...words), `rekey ${words.join(' ')}`).not.toEqual([])
    expect(linesOf('env', 'rotate').some(({ args }) => args.includes('--plan'))).toBe(true)
    expect(made.map(({ file }) => file).sort()).toEqual(files.sort())
    for (const { environment, file } of made) expect(file).toBe(`${environment.replace('/', '-')}.yaml`)
    expect(page.foreign.filter((line) => !/^(aws|sam|make) /.test(line))).toEqual([])
  })

  test('every command does what its page says', () => {
    for (const { line, result } of ran) {
      expect(result.code === 0, `${line.text}\n${result.stdout}${result.stderr}`).toBe(!line.isRefused)
      expect(result.stdout + result.stderr).not.toContain('choose-a-long-one')
    }
    expect(ran).toHaveLength(page.lines.length)
    for (const [block, shown] of page.shown.entries()) {
      const printed = ran.filter(({ line }) => line.block === block).map(({ result }) => result.stdout)
      const lines = printed.join('').split('\n').map(squeezed)
      expect(lines.filter((line) => shown.map(squeezed).includes(line))).toEqual(shown.map(squeezed))
    }
  })

  test('its definitions are checked without a complaint', async () => {
    for (const file of files)
      expect({ file, ...(await cli.run(['env', 'check', file])) }).toMatchObject({ code: 0, stderr: '' })
  })

  test('ten due times, as far apart as the table of examples says', async () => {
    const when = new RegExp(`^\\| \\[${name}\\]\\(.*?\\) *\\|[^|]*\\| *(.*?) *\\|`, 'm').exec(index)![1]!
    const [, least, most] = CADENCES.find(([words]) => words.test(when))!
    const [{ args } = { args: [] }] = linesOf('env', 'schedule', 'new')
    const { stdout } = await cli.run(['env', 'schedule', 'get', args[3]!, '--json'])
    const { nextDueTimes } = JSON.parse(stdout) as { nextDueTimes: { local: string }[] }
    // By the clock on the wall, which is what a schedule in a zone keeps to.
    const days = nextDueTimes.map(({ local }) => Date.parse(`${local.slice(0, 10)}T00:00:00Z`) / 86_400_000)
    expect(days).toHaveLength(10)
    for (const [at, day] of days.slice(1).entries()) {
      expect(day - days[at]!).toBeGreaterThanOrEqual(least)
      expect(day - days[at]!).toBeLessThanOrEqual(most)
    }
  })

  test('who has no right on the managing login opens what is published, and it logs in', async () => {
    const reader = asReader()
    const granted = linesOf('grant', 'give', reader.login).map(({ args }) => args.slice(3))
    expect(granted.map(([level]) => level)).toEqual(granted.map(() => 'open'))
    let credentials = 0
    for (const [, environment] of granted) {
      const opened = await cli.run(['env', 'open', environment!, '--format', 'json'], reader)
      expect({ environment, code: opened.code, stderr: opened.stderr }).toMatchObject({ code: 0, stderr: '' })
      expect(opened.stdout).not.toContain('choose-a-long-one')
      for (const { current, previous } of rotatedIn(JSON.parse(opened.stdout))) {
        for (const credential of [current, ...(previous ? [previous] : [])]) {
          credentials++
          expect(await logsIn(targets, credential)).toBe(true)
        }
      }
    }
    expect(credentials).toBeGreaterThan(0)
    for (const { environment } of made.filter(({ environment: one }) => one.startsWith('logins/')))
      for (const action of ['get', 'open'])
        expect((await cli.run(['env', action, environment], reader)).code, environment).toBe(1)
  })
})

function squeezed(line: string): string {
  return line.trim().replaceAll(/\s+/g, ' ')
}

interface Slots {
  current: unknown
  previous?: unknown
}

/** What rotate calls yield, wherever in an opened environment. */
function rotatedIn(value: unknown): Slots[] {
  if (typeof value !== 'object' || value === null) return []
  if ('current' in value) return [value as Slots]
  return Object.values(value).flatMap(rotatedIn)
}

async function logsIn(targets: ExampleTarget[], credential: unknown): Promise<boolean> {
  const answers = await Promise.all(targets.map((target) => target.logsIn(credential)))
  return answers.includes(true) && !answers.includes(false)
}
