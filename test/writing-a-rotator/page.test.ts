/**
 * docs/writing-a-rotator.md, followed to the letter: its blocks are the files beside this one, and what those make works. The
 * contract suite on them is in test/rotators/ below.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { rotatorPage } from '../../docs/rotator-page.ts'
import { FAILURES, type FailureCode } from '../../model/failures.ts'
import { findRotator, rotatorNames } from '../../rotators/index.ts'
import { parcelsNotes } from './docs/rotator-notes/parcels.ts'
import { parcels } from './rotators/parcels.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const HERE = 'test/writing-a-rotator/'
/** What tests the page, and is no part of it. */
const NOT_ON_THE_PAGE = ['page.test.ts', 'line.test.ts']

const read = (path: string) => readFileSync(posix.join(ROOT, path), 'utf8')
const page = read('docs/writing-a-rotator.md')
const blocks = new Map(
  [...page.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)].map(([, path, text]) => [path!, text!]),
)
const files = readdirSync(posix.join(ROOT, HERE), { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.ts') && !NOT_ON_THE_PAGE.includes(path),
)

/** The text with its imports by their paths from the root, wherever it stands. */
function fromRoot(path: string, text: string): string {
  return text.replaceAll(/(?<= from ')\.[^']+/g, (specifier) =>
    posix.join(posix.dirname(path), specifier).replace(HERE, ''),
  )
}

test('the page has every file of the rotator, and no other', () => {
  expect(files.length).toBeGreaterThan(5)
  const registries = [...blocks.keys()].filter((path) => path.endsWith('/index.ts'))
  expect([...blocks.keys()].filter((path) => !registries.includes(path)).sort()).toEqual(files.sort())
})

test.each(files)('%s is on the page, word for word', (path) => {
  expect(fromRoot(path, blocks.get(path) ?? '')).toBe(fromRoot(HERE + path, read(HERE + path)))
})

test.each([
  ['rotators/index.ts', 'ROTATORS', 'parcels'],
  ['docs/rotator-notes/index.ts', 'ROTATOR_NOTES', 'parcelsNotes'],
  ['test/chaos/targets/index.ts', 'TARGET_KINDS', 'parcelsKind'],
])('the line for %s is like those that are there, and so is the list', (path, list, name) => {
  expect(blocks.get(path)).toBe(`import { ${name} } from './parcels.ts'\n`)
  const like = blocks.get(path)!.trim().replaceAll('parcels', 'postgres')
  expect(read(path)).toContain(like)
  expect(read(path)).toMatch(new RegExp(`const ${list}\\b[^]*\\b${name.replace('parcels', 'postgres')}\\b`))
  expect(page).toMatch(new RegExp(`\`${list}\`|\`${name.replace('Notes', '')}: ${name}\``))
})

test('the notes make the page, and explain every code that the source can end in', () => {
  const made = rotatorPage(parcels, parcelsNotes)
  expect(made).toContain('# `fn::rotate::parcels`')
  expect(made).toContain('`managingToken`')
  const source = files.filter((path) => path.startsWith('rotators/')).map((path) => read(HERE + path))
  const thrown = Object.keys(FAILURES).filter((code) => source.join().includes(`'${code}'`))
  expect(thrown).toContain('TARGET_REJECTED_VALUE')
  const silent = thrown.filter((code) => !Object.hasOwn(parcelsNotes.failures, code))
  // What the frame means by them too.
  expect(silent.sort()).toEqual(['CANCELLED', 'STATE_INVALID'])
})

test('the table of codes has every code that there is, or says where it comes from', () => {
  const [, codes = ''] = /^## Which code$([\s\S]*?)^## /m.exec(page) ?? []
  const named = new Set([...codes.matchAll(/`([A-Z_]{5,})`/g)].map(([, code]) => code as FailureCode))
  expect([...named].sort()).toEqual(Object.keys(FAILURES).sort())
})

test('the table of the contract, and that of what is optional, name every part that there is', () => {
  const contract = read('rotators/rotator.ts').split('export interface Rotator<')[1]!
  const parts = [...contract.split('\n}\n')[0]!.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, part]) => part!)
  expect(parts).toEqual(expect.arrayContaining(['targets', 'apply', 'recover', 'withoutTarget']))
  expect(parts.filter((part) => !page.includes(`\`${part}\``) && !page.includes(`  ${part}:`))).toEqual([])
  // It is in no registry, and must not be: people would see it.
  expect(rotatorNames()).not.toContain('parcels')
  expect(findRotator('parcels')).toBeUndefined()
})
