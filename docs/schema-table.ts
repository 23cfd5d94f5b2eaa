/** A JSON schema as a table, for the pages of rotators and logins. */
import type { JSONSchema } from '../model/json-schema.ts'
import { schemaRows } from '../model/schema-rows.ts'
import { code, table } from './markdown.ts'

export function schemaTable(heading: string, schema: JSONSchema): string {
  return table(
    [heading, 'type', 'required', 'meaning'],
    schemaRows(schema, code).map((row) => [
      code(row.path),
      row.type,
      row.isRequired ? 'yes' : 'no',
      [
        row.meaning,
        row.isDeprecated ? 'Deprecated.' : '',
        row.isRotateOnly ? '_Rotate-only._' : '',
        row.isSecret ? '_Secret._' : '',
      ]
        .filter((words) => words !== '')
        .join(' '),
    ]),
  )
}
