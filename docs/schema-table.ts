/** A JSON schema as rows of a table, for the pages of rotators and logins. */
import type { JSONSchema, Schema } from '../model/json-schema.ts'
import { code, table } from './markdown.ts'

/** One row per property, in the order of the schema; nested ones by their dotted path, those of alternatives too. */
export function schemaTable(heading: string, schema: JSONSchema): string {
  return table([heading, 'type', 'required', 'meaning'], rowsOf(schema, '', { isRotateOnly: false }))
}

interface Place {
  isRotateOnly: boolean
}

function rowsOf(schema: JSONSchema, prefix: string, place: Place): string[][] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    if (typeof property === 'boolean') return []
    const path = prefix === '' ? key : `${prefix}.${key}`
    const isRotateOnly = place.isRotateOnly || (schema.rotateOnly ?? []).includes(key)
    const row = [
      code(path),
      typeOf(property),
      (schema.required ?? []).includes(key) ? 'yes' : 'no',
      wordsOn(property, isRotateOnly && !place.isRotateOnly),
    ]
    return [row, ...rowsOf(property, path, { isRotateOnly })]
  })
  const below = [
    ...alternatives(schema).map((one) => ({ schema: one, prefix })),
    ...(typeof schema.items === 'object' ? [{ schema: schema.items, prefix: `${prefix}[]` }] : []),
    ...(typeof schema.additionalProperties === 'object'
      ? [{ schema: schema.additionalProperties, prefix: prefix === '' ? '*' : `${prefix}.*` }]
      : []),
  ]
  const rows = [...own, ...below.flatMap((one) => rowsOf(one.schema, one.prefix, place))]
  return rows.filter(([path], at) => rows.findIndex(([other]) => other === path) === at)
}

function alternatives({ anyOf = [], oneOf = [] }: JSONSchema): JSONSchema[] {
  return [...anyOf, ...oneOf].filter((one) => typeof one === 'object')
}

function wordsOn(schema: JSONSchema, isRotateOnly: boolean): string {
  const notes = [
    schema.description ?? '',
    schema.enum ? `One of ${schema.enum.map((value) => code(String(value))).join(', ')}.` : '',
    rangeOf(schema),
    schema.default === undefined ? '' : `Default: ${code(JSON.stringify(schema.default))}.`,
    schema.deprecated ? 'Deprecated.' : '',
    isRotateOnly ? '_Rotate-only._' : '',
    schema.secret ? '_Secret._' : '',
  ]
  return notes.filter((note) => note !== '').join(' ')
}

function rangeOf(schema: JSONSchema): string {
  const { minimum, maximum } = { ...alternatives(schema).find(({ type }) => type === 'number'), ...schema }
  if (minimum === undefined && maximum === undefined) return ''
  if (maximum === undefined) return `At least ${minimum}.`
  return minimum === undefined ? `At most ${maximum}.` : `From ${minimum} to ${maximum}.`
}

function typeOf(schema: Schema): string {
  if (typeof schema === 'boolean') return 'any'
  const choices = [...new Set(alternatives(schema).map(typeOf))]
  return schema.type || (choices.length > 0 ? choices.join(' or ') : 'any')
}
