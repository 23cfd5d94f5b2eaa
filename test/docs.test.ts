/** What the documents say about the code: that links and names lead somewhere, that commands exist, that pages are not behind. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VARIABLES } from '../config/variables.ts'
import { generatedPages } from '../docs/generate.ts'
import { commandLine, type CommandLine } from './cli/command-line.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
  .map(({ name }) => name)
const PAGES = [
  ...readdirSync(ROOT),
  ...['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((path) => `${folder}/${String(path)}`),
  ),
].filter((path) => path.endsWith('.md'))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** Paths of this repository that a text names in code spans: those that begin with one of its folders. `x.ts` is any. */
function pathsNamedIn(text: string): string[] {
  const spans = [...withoutBlocks(text).matchAll(/`([^`\s]+)`/g)].map(([, span]) => span ?? '')
  return spans
    .filter((span) => FOLDERS.includes(span.split('/')[0]!) && /^[\w./-]+$/.test(span))
    .filter((span) => span.includes('/') && !/\/x(\.test)?\.ts$/.test(span))
}

function withoutBlocks(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '')
}

/** What a heading is reached by: its words in lower case, without punctuation, joined by hyphens. */
function anchorsOf(text: string): string[] {
  return [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  )
}

/** The lines of a page's shell blocks, here-documents and comments left out. */
function shellLines(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? '')
  return blocks.flatMap((block) =>
    block
      .replace(/(<<-?'?(\w+)'?.*\n)[\s\S]*?^\2$/gm, '$1')
      .split('\n')
      .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
      .filter((line) => line !== ''),
  )
}

test('there are pages, links and names to look at', () => {
  expect(PAGES).toEqual(
    expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'docs/settings.md', 'examples/daily/README.md']),
  )
  expect(pathsNamedIn(read('ARCHITECTURE.md'))).toContain('activities/plan-rotation.ts')
  expect(shellLines(read('README.md'))).toContain('rekey env rotate billing/production')
})

describe.each(PAGES)('%s', (page) => {
  test('links lead to files', () => {
    const targets = [...withoutBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!.split('#')[0]!)
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    expect(targets.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([])
  })

  test('links into pages lead to headings', () => {
    const links = [...withoutBlocks(read(page)).matchAll(/\]\(([^)\s:]*)#([^)\s]+)\)/g)]
    const lost = links.filter(([, target, anchor]) => {
      const path = target === '' ? page : join(dirname(page), target!)
      return path.endsWith('.md') && !anchorsOf(read(path)).includes(anchor!)
    })
    expect(lost.map(([link]) => link)).toEqual([])
  })

  test('the files and folders that it names are there', () => {
    expect(pathsNamedIn(read(page)).filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  test('the settings that it names exist', () => {
    const known = new Set<string>(Object.values(VARIABLES).map(({ name }) => name))
    const named = read(page).match(/\bREKEY_[A-Z_]*[A-Z]\b/g) ?? []
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })
})

test('the settings page lists exactly the variables, with their defaults', () => {
  const rows = [...read('docs/settings.md').matchAll(/^\| `(REKEY_\w+)` +\| (?:`([^`]+)`)? *\|/gm)]
  expect(rows.map(([, name, fallback]) => [name, fallback])).toEqual(
    Object.values(VARIABLES).map((variable) => [variable.name, variable.default]),
  )
})

test('generated pages are what the code says; make docs writes them', async () => {
  for (const [path, text] of await generatedPages())
    expect(existsSync(join(ROOT, path)) ? read(path) : 'no page yet', path).toBe(text)
})

describe('commands of the pages', () => {
  const lines = PAGES.flatMap((page) => shellLines(read(page)))
  let cli: CommandLine
  beforeAll(async () => {
    cli = await commandLine()
  })
  afterAll(() => cli.close())

  test.each([...new Set(lines.filter((line) => line.startsWith('rekey ')))])('%s', async (line) => {
    const words = line.split(' -- ')[0]!.split(/\s+/).slice(1)
    const firstOther = words.findIndex((word) => !/^[a-z]+$/.test(word))
    const command = firstOther < 0 ? words : words.slice(0, firstOther)
    const { code, stdout } = await cli.run([...command, '--help'])
    expect(code).toBe(0)
    // Help on a group is what an unknown command below it would get.
    expect(stdout).not.toMatch(/^Commands:/m)
    const options = words.filter((word) => /^-+[a-z]/.test(word))
    for (const option of options) expect(stdout).toMatch(new RegExp(`^ .*${option}\\b`, 'm'))
  })

  test('make', () => {
    const asked = lines.flatMap((line) => /^make ([\w-]+)/.exec(line)?.[1] ?? [])
    expect(asked).toContain('demo')
    const targets = [...read('Makefile').matchAll(/^([\w-]+):/gm)].map(([, target]) => target)
    expect(asked.filter((target) => !targets.includes(target))).toEqual([])
  })
})
