/** A value that is a schema (see `SCHEMA_SCHEMA`) → that schema, with the digits of its numbers. */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { setEntry } from '../value.ts'
import { KEYWORDS } from './schema-schema.ts'
import { typeName } from './validate-value.ts'

const SCHEMA_LISTS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'prefixItems'])
const SCHEMAS: ReadonlySet<string> = new Set(['items', 'additionalProperties'])
const SCHEMA_MAPS: ReadonlySet<string> = new Set(['$defs', 'properties'])

/** Why a value that fits `SCHEMA_SCHEMA` is no schema after all, in the words of other implementations. */
export class SchemaError extends Error {}

/**
 * The value must be known, and fit `SCHEMA_SCHEMA`.
 * @throws SchemaError where `secret` or `rotateOnly` is of another type, which that schema does not say
 */
export function schemaFrom(value: EvaluatedValue, field = 'rawSchema'): Schema {
  if (typeof value.repr === 'boolean') return value.repr
  const schema: Record<string, unknown> = {}
  for (const key of value.keys) {
    if (KEYWORDS.has(key)) schema[key] = keyword(key, value.property(key)!, `${field}.${key}`)
  }
  return schema as JSONSchema
}

function keyword(key: string, value: EvaluatedValue, field: string): unknown {
  const read = (part: EvaluatedValue): Schema => schemaFrom(part, field)
  if (SCHEMAS.has(key)) return read(value)
  if (SCHEMA_LISTS.has(key)) return (value.array ?? []).map(read)
  if (SCHEMA_MAPS.has(key)) return mapOf(value, read)
  if (key === 'secret') return annotation(value, 'boolean', 'bool', field)
  if (key !== 'rotateOnly') return dataOf(value)
  annotation(value, 'array', '[]string', field)
  return value.array?.map((name) => annotation(name, 'string', 'string', field) ?? '')
}

/** The data of a keyword that must be of one type; undefined for null, which says nothing. */
function annotation(value: EvaluatedValue, type: string, native: string, field: string): unknown {
  const given = typeName(value)
  if (given === 'null') return undefined
  if (given === type) return value.repr
  const what = given === 'boolean' ? 'bool' : given
  throw new SchemaError(
    `failed to parse schema: json: cannot unmarshal ${what} into Go struct field ${field} of type ${native}`,
  )
}

function dataOf(value: EvaluatedValue): unknown {
  if (value.array) return value.array.map(dataOf)
  return value.object ? mapOf(value, dataOf) : value.repr
}

function mapOf<T>(value: EvaluatedValue, read: (item: EvaluatedValue) => T): Record<string, T> {
  const record: Record<string, T> = {}
  for (const key of value.keys) setEntry(record, key, read(value.property(key)!))
  return record
}
