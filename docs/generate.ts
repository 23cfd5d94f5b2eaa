/**
 * The pages that the code itself knows best: settings, failure codes, commands, and one page per rotator. `node docs/generate.ts`
 * writes them; test/docs.test.ts fails when they are behind. Never edit those pages by hand.
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { VARIABLES } from '../config/variables.ts'
import { FAILURES } from '../model/failures.ts'
import type { JSONSchema, Schema } from '../model/json-schema.ts'
import { findRotator, rotatorNames } from '../rotators/index.ts'
import type { AnyRotator } from '../rotators/rotator.ts'
import { commandLinePage } from './command-line-page.ts'

const ROOT = new URL('../', import.meta.url)
const MADE = '<!-- Written by docs/generate.ts from the code; edit that, and run it again. -->'

/** Path from the root → text, formatted as `make check` wants it. */
export async function generatedPages(): Promise<Map<string, string>> {
  const pages = new Map([
    ['docs/settings.md', settingsPage()],
    ['docs/failures.md', failuresPage()],
    ['docs/cli.md', page('The command line', commandLinePage())],
    ...rotatorNames().map((name) => [`docs/rotators/${name}.md`, rotatorPage(findRotator(name)!)] as const),
  ])
  for (const [path, text] of pages) {
    const file = fileURLToPath(new URL(path, ROOT))
    pages.set(path, await format(text, { ...(await resolveConfig(file)), filepath: file }))
  }
  return pages
}

function settingsPage(): string {
  const rows = Object.values(VARIABLES).map(({ name, default: fallback, about, kind }) => [
    code(name),
    fallback === undefined ? '' : code(fallback),
    about,
    kind.expects,
  ])
  return page('Settings', [
    'Every setting is an environment variable. An unknown `REKEY_` variable or a malformed value stops the program ' +
      'with one line that names it. `rekey config` prints all settings with their values; secrets are masked.',
    table(['variable', 'default', 'meaning', 'must be'], rows),
    'A duration is a whole number followed by `s`, `m`, `h` or `d`.',
  ])
}

const ACTORS = {
  nobody: 'nobody',
  owner: 'who owns the environment',
  operator: 'who runs Rekey or the target',
  developer: 'the developers of Rekey',
}

function failuresPage(): string {
  const rows = Object.entries(FAILURES).map(([name, { retry, actor, words }]) => [
    code(name),
    retry ? 'yes' : 'no',
    ACTORS[actor],
    words,
  ])
  return page('Failure codes', [
    'A path that could not be rotated says so in one of these codes: in the answer of the API (`errorCode`), in the ' +
      'history, on the command line and in Temporal. The message beside it names the input, user or place at fault. ' +
      'What may pass by itself is tried again within the same rotation, for `REKEY_TARGET_BUDGET`.',
    table(['code', 'tried again', 'who has to act', 'meaning'], rows),
  ])
}

function rotatorPage(rotator: AnyRotator): string {
  const { name, title, slots, inputs, state, permissions } = rotator
  return page(`\`fn::rotate::${name}\``, [
    `${title}. ` +
      (slots === 2
        ? 'Two credentials are valid at any time: a rotation replaces the older one, and whoever holds the other keeps access.'
        : 'One credential is valid at a time.'),
    '## Inputs\n',
    table(['input', 'type', 'required', 'meaning'], propertyRows(inputs)),
    '## State\n',
    'What opening the environment yields at the place of the call. Rekey writes it into each new revision, with the ' +
      'secret parts sealed; it may be given to hand over credentials that exist already.',
    table(['property', 'type', 'required', 'meaning'], propertyRows(state)),
    '## What it needs at the target\n',
    table(
      ['who', 'grant', 'why'],
      permissions.map(({ who, grant, why }) => [who, code(grant), why]),
    ),
  ])
}

/** One row per leaf, in the order of the schema; nested properties by their dotted path. */
function propertyRows(schema: JSONSchema, prefix = ''): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    if (typeof property === 'boolean') return []
    const path = prefix === '' ? key : `${prefix}.${key}`
    const isRequired = (schema.required ?? []).includes(key) ? 'yes' : 'no'
    const notes = [
      property.description ?? '',
      property.enum ? `One of ${property.enum.map((value) => code(String(value))).join(', ')}.` : '',
      property.default === undefined ? '' : `Default: ${code(JSON.stringify(property.default))}.`,
      property.secret ? 'Secret.' : '',
    ]
    const row = [code(path), typeOf(property), isRequired, notes.filter((note) => note !== '').join(' ')]
    return [row, ...propertyRows(property, path)]
  })
}

function typeOf(schema: Schema): string {
  if (typeof schema === 'boolean') return 'any'
  const choices = schema.anyOf ?? schema.oneOf
  return choices ? choices.map(typeOf).join(' or ') : (schema.type ?? 'any')
}

function page(title: string, parts: string[]): string {
  return [MADE, `# ${title}`, ...parts].join('\n\n')
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

if (import.meta.main)
  for (const [path, text] of await generatedPages()) await writeFile(new URL(path, ROOT), text)
