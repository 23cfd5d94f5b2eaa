/** docs/logins/<name>.md: from the login's schemas, and from its notes. */
import type { AnyLogin } from '../rotators/logins/login.ts'
import { ownFailures } from './failure-tables.ts'
import { LOGIN_NOTES } from './login-notes/index.ts'
import { page } from './markdown.ts'
import { annotationWords, exampleParts, setupParts } from './rotator-page.ts'
import { schemaTable } from './schema-table.ts'

export function loginPage({ name, title, inputs, outputs }: AnyLogin): string {
  const notes = LOGIN_NOTES[name]
  if (!notes) throw new Error(`write docs/login-notes/${name}.ts and name it in docs/login-notes/index.ts`)
  return page(`\`fn::open::${name}\``, [
    `${title}. A login is opened when something needs it: when the environment is opened, or when what refers to it rotates. It is never stored; the calls of ` +
      'one rotation share it.',
    '## What it does',
    ...notes.how,
    ...setupParts('Set it up', notes.setup, notes.permissions),
    '## Example',
    ...exampleParts(notes.example),
    '## Inputs',
    schemaTable('input', inputs),
    ...annotationWords(inputs),
    '## Outputs',
    'What opening the environment yields at the place of the call:',
    schemaTable('property', outputs),
    ...(notes.more ?? []).flatMap(({ heading, text }) => [`## ${heading}`, ...text]),
    '## When it fails',
    'While an environment is opened, the words of the failure stand at the line of the call. While it rotates, every path whose inputs need the login ' +
      'fails, with the same words, and nothing is touched at its target. What the codes mean anywhere is in [failures.md](../failures.md).',
    ownFailures(notes.failures),
  ])
}
