/** docs/rotators/<name>.md: from the rotator's schemas and permissions, and from its notes. */
import { FAILURES, type FailureCode } from '../model/failures.ts'
import type { JSONSchema, Schema } from '../model/json-schema.ts'
import type { AnyRotator } from '../rotators/rotator.ts'
import { code, fence, page, table } from './markdown.ts'
import { ROTATOR_NOTES } from './rotator-notes/index.ts'
import type { RotatorNotes } from './rotator-notes/notes.ts'

export function rotatorPage(rotator: AnyRotator): string {
  const { name, title, slots, inputs, state, permissions } = rotator
  const notes = ROTATOR_NOTES[name]
  if (!notes)
    throw new Error(`write docs/rotator-notes/${name}.ts and name it in docs/rotator-notes/index.ts`)
  return page(`\`fn::rotate::${name}\``, [
    `${title}. ` +
      (slots === 2
        ? 'Two credentials are valid at any time: a rotation replaces the older one, and whoever holds the other keeps access.'
        : 'One credential is valid at a time.'),
    '## What a rotation does',
    ...notes.how,
    '## Set it up at the target',
    ...notes.setup.flatMap(({ about, language, text }) => [about, fence(language, text)]),
    table(
      ['who', 'grant', 'why'],
      permissions.map(({ who, grant, why }) => [who, code(grant), why]),
    ),
    '## Example',
    ...notes.example.flatMap(({ environment, about, yaml }) => [
      about,
      fence('yaml', `# ${environment}\n${yaml}`),
    ]),
    'Save each with `rekey env init <name> -f <file>`, then rotate and use it:',
    fence('sh', commandsFor(notes)),
    '## Inputs\n',
    table(['input', 'type', 'required', 'meaning'], propertyRows(inputs)),
    '## State\n',
    'What opening the environment yields at the place of the call. Rekey writes it into each new revision, with the ' +
      'secret parts sealed; it may be given to hand over credentials that exist already.',
    table(['property', 'type', 'required', 'meaning'], propertyRows(state)),
    ...(notes.more ?? []).flatMap(({ heading, text }) => [`## ${heading}`, ...text]),
    '## When it fails',
    'What each code means here; what they all mean anywhere is in [failures.md](../failures.md).',
    table(
      ['code', 'tried again', 'here'],
      Object.entries(notes.failures).map(([failure, here]) => [
        code(failure),
        FAILURES[failure as FailureCode].retry ? 'yes' : 'no',
        here,
      ]),
    ),
  ])
}

function commandsFor({ example }: RotatorNotes): string {
  const name = example.at(-1)?.environment ?? ''
  return [`rekey env rotate ${name}`, `rekey env run ${name} -- ./app`].join('\n')
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
