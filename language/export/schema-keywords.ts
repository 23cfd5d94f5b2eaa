/** The keywords of schemas as they are written out: their order, and which of them hold schemas themselves. */
import type { JSONSchema } from '../../model/json-schema.ts'

/** The keywords in the order in which schemas are shown; `type` stands between. */
export const BEFORE_TYPE: readonly (keyof JSONSchema)[] = [
  '$defs',
  '$ref',
  'anyOf',
  'oneOf',
  'prefixItems',
  'items',
  'additionalProperties',
  'properties',
]
export const AFTER_TYPE: readonly (keyof JSONSchema)[] = [
  'const',
  'enum',
  'multipleOf',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'maxProperties',
  'minProperties',
  'required',
  'dependentRequired',
  'title',
  'description',
  'default',
  'deprecated',
  'examples',
  'secret',
  'rotateOnly',
]

const HOLDERS: Readonly<Record<string, 'map' | 'list' | 'one'>> = {
  $defs: 'map',
  properties: 'map',
  anyOf: 'list',
  oneOf: 'list',
  prefixItems: 'list',
  items: 'one',
  additionalProperties: 'one',
}

export function holdsSchemas(keyword: keyof JSONSchema): 'map' | 'list' | 'one' | undefined {
  return HOLDERS[keyword]
}

const ANYTHING: ReadonlySet<string> = new Set(['items', 'additionalProperties', 'const', 'default'])

/** True for a keyword that is left out: empty, or a flag that is not set. */
export function saysNothing(keyword: keyof JSONSchema, value: unknown): boolean {
  if (ANYTHING.has(keyword)) return value === null
  if (value === '' || value === false) return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
