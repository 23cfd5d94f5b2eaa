/** docs/rotators/<name>.md: from the rotator's schemas and permissions, and from its notes. */
import { isDeepStrictEqual } from 'node:util'
import type { JSONSchema } from '../model/json-schema.ts'
import type { AnyRotator } from '../rotators/rotator.ts'
import { commandsFor } from './example-commands.ts'
import { failureTables } from './failure-tables.ts'
import { code, fence, page, table } from './markdown.ts'
import { ROTATOR_NOTES } from './rotator-notes/index.ts'
import type { Block, Definition, RotatorNotes } from './rotator-notes/notes.ts'
import { schemaRows } from '../model/schema-rows.ts'
import { schemaTable } from './schema-table.ts'

export function rotatorPage(rotator: AnyRotator, notes = ROTATOR_NOTES[rotator.name]): string {
  const { name, title, inputs, state, outputs, permissions } = rotator
  if (!notes)
    throw new Error(`write docs/rotator-notes/${name}.ts and name it in docs/rotator-notes/index.ts`)
  return page(`\`fn::rotate::${name}\``, [
    `${title}. ${slotsOf(rotator)}`,
    '## What a rotation does',
    ...notes.how,
    ...setupParts('Set it up at the target', notes.setup, permissions),
    '## Example',
    ...exampleParts(notes.example),
    '## Inputs',
    schemaTable('input', inputs),
    ...annotationWords(inputs),
    '## State',
    'Rekey writes it into each new revision, below the call, with the secret parts sealed. It may be given by hand, to take over credentials that ' +
      'exist already; left out, the first rotation makes it.',
    schemaTable('property', state),
    '## Outputs',
    'What opening the environment yields at the place of the call, once it was rotated' +
      (isDeepStrictEqual(outputs, state)
        ? ': the state, as above.'
        : ` or has a state:\n\n${schemaTable('property', outputs)}`),
    ...(notes.more ?? []).flatMap(({ heading, text }) => [`## ${heading}`, ...text]),
    ...connectorParts(inputs),
    '## When it fails',
    'What each code means here. `at once` is within the same rotation, for `REKEY_TARGET_BUDGET`; `later` is after a scheduled run, after the times of ' +
      '`REKEY_RETRY_AFTER`. What they mean anywhere is in [failures.md](../failures.md).',
    ...failureTables({
      ...notes.failures,
      ...(hasConnector(inputs) && { ...THROUGH_CONNECTOR, ...notes.failures }),
    }),
  ])
}

const THROUGH_CONNECTOR: RotatorNotes['failures'] = {
  CONNECTOR_FAILED:
    'Only through a connector: the function is switched off, broken, or no connector. See [its page](../connectors/aws-lambda.md), also for what ' +
    'the other codes mean there.',
}

function hasConnector(inputs: JSONSchema): boolean {
  return schemaRows(inputs).some(({ path }) => path === 'database.connector.awsLambda')
}

function connectorParts(inputs: JSONSchema): string[] {
  if (!hasConnector(inputs)) return []
  return [
    '## Databases in other networks',
    'Where no worker can reach the database, a function of AWS Lambda in its network can: `database.connector.awsLambda`, see ' +
      '[aws-lambda](../connectors/aws-lambda.md). All else on this page holds as it is.',
  ]
}

/** How many credentials are valid at a time, in a sentence. */
export function slotsOf({ slots, withoutTarget }: AnyRotator): string {
  if (withoutTarget)
    return 'The newest two are kept. Rekey makes them up, and nothing outside it is told: there is no target, and no log-in before publication.'
  return slots === 2
    ? 'Two credentials are valid at any time: a rotation replaces the older one, and whoever holds the other keeps access.'
    : 'One credential is valid at a time.'
}

/** What to paste at the other side, and what each grant is for; nothing where nothing has to be done. */
export function setupParts(
  heading: string,
  setup: Block[],
  permissions: { who: string; grant: string; why: string }[],
): string[] {
  if (setup.length === 0 && permissions.length === 0) return []
  return [
    `## ${heading}`,
    ...setup.flatMap(({ about, language, text }) => [about, fence(language, text)]),
    ...(permissions.length > 0
      ? [
          'What each grant is for:',
          table(
            ['who', 'grant', 'why'],
            permissions.map(({ who, grant, why }) => [who, code(grant), why]),
          ),
        ]
      : []),
  ]
}

/** Complete definitions, and what to type to save, rotate and use them. */
export function exampleParts(example: Definition[]): string[] {
  return [
    ...example.flatMap(({ environment, about, yaml }) => [about, fence('yaml', `# ${environment}\n${yaml}`)]),
    'With each in a file of its own:',
    fence('sh', commandsFor(example)),
  ]
}

export function annotationWords(inputs: JSONSchema): string[] {
  const text = JSON.stringify(inputs)
  return [
    ...(text.includes('"rotateOnly"')
      ? [
          '_Rotate-only_: resolved while rotating and when the definition is saved, never when it is opened. Who opens it needs no right on what that input reads.',
        ]
      : []),
    ...(text.includes('"secret":true')
      ? ['_Secret_: sealed where it is stored, and redacted where it is shown.']
      : []),
  ]
}
