/** A JSON schema laid out for people: one row per property. Pure; how it looks is up to the page or the command. */
import type { JSONSchema, Schema } from './json-schema.ts'

export interface SchemaRow {
  /** Dotted; `[]` is any item, `*` any property. */
  path: string
  type: string
  /** Within what holds it. */
  isRequired: boolean
  isSecret: boolean
  /** Itself, not by what holds it. */
  isRotateOnly: boolean
  isDeprecated: boolean
  /** In sentences: what it is for, what it may be. */
  meaning: string
}

/** How values stand in sentences. */
type Quote = (value: string) => string

/** In the order of the schema, each property before what is below it; those of alternatives too, each path once. */
export function schemaRows(schema: JSONSchema, quote: Quote = (value) => value): SchemaRow[] {
  const rows = rowsBelow(schema, '', { defs: schema.$defs ?? {}, quote, inside: [] })
  return rows.filter(({ path }, at) => rows.findIndex((other) => other.path === path) === at)
}

type Definitions = Record<string, Schema>

interface Walk {
  defs: Definitions
  quote: Quote
  /** What holds this: a schema may hold itself. */
  inside: JSONSchema[]
}

function rowsBelow(schema: JSONSchema, prefix: string, walk: Walk): SchemaRow[] {
  const { defs, quote, inside } = walk
  if (inside.includes(schema)) return []
  const below = (one: Schema | undefined, path: string) => {
    const resolved = resolve(one, defs)
    return resolved ? rowsBelow(resolved, path, { ...walk, inside: [...inside, schema] }) : []
  }
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, given]) => {
    if (given === false) return []
    const property = resolve(given, defs) ?? {}
    const path = prefix === '' ? key : `${prefix}.${key}`
    const row: SchemaRow = {
      path,
      type: typeOf(property),
      isRequired: (schema.required ?? []).includes(key),
      isSecret: property.secret === true,
      isRotateOnly: (schema.rotateOnly ?? []).includes(key),
      isDeprecated: property.deprecated === true,
      meaning: meaningOf(property, quote),
    }
    return [row, ...below(property, path)]
  })
  return [
    ...own,
    ...alternatives(schema).flatMap((one) => below(one, prefix)),
    ...below(schema.items, `${prefix}[]`),
    ...below(schema.additionalProperties, prefix === '' ? '*' : `${prefix}.*`),
  ]
}

function resolve(schema: Schema | undefined, defs: Definitions): JSONSchema | undefined {
  if (typeof schema !== 'object') return undefined
  const name = /^#\/\$defs\/(.+)$/.exec(schema.$ref ?? '')?.[1]
  return name === undefined ? schema : resolve(defs[name], defs)
}

function alternatives({ anyOf = [], oneOf = [] }: JSONSchema): JSONSchema[] {
  return [...anyOf, ...oneOf].filter((one) => typeof one === 'object')
}

function typeOf(schema: JSONSchema): string {
  const choices = [...new Set(alternatives(schema).map(typeOf))]
  const items = schema.type === 'array' ? itemsOf(schema) : undefined
  if (items?.type) return `array of ${items.type}s`
  return schema.type || (choices.length > 0 ? choices.join(' or ') : 'any')
}

function meaningOf(schema: JSONSchema, quote: Quote): string {
  const sentences = [
    schema.description ?? '',
    choiceOf('One of', schema, quote),
    choiceOf('Each is one of', itemsOf(schema), quote),
    rangeOf(schema),
    schema.default === undefined ? '' : `Default: ${quote(JSON.stringify(schema.default))}.`,
  ]
  return sentences.filter((sentence) => sentence !== '').join(' ')
}

function itemsOf({ items }: JSONSchema): JSONSchema | undefined {
  return typeof items === 'object' ? items : undefined
}

function choiceOf(words: string, schema: JSONSchema | undefined, quote: Quote): string {
  return schema?.enum ? `${words} ${schema.enum.map((value) => quote(String(value))).join(', ')}.` : ''
}

function rangeOf(schema: JSONSchema): string {
  const number = alternatives(schema).find(({ type }) => type === 'number')
  const { minimum, maximum } = { ...number, ...schema }
  if (minimum === undefined && maximum === undefined) return ''
  if (maximum === undefined) return `At least ${minimum}.`
  return minimum === undefined ? `At most ${maximum}.` : `From ${minimum} to ${maximum}.`
}
