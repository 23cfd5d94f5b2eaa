/** A value that is a schema (see `SCHEMA_SCHEMA`) → that schema, with the digits of its numbers. */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { setEntry } from '../value.ts'
import { KEYWORDS } from './schema-schema.ts'

const SCHEMA_LISTS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'prefixItems'])
const SCHEMAS: ReadonlySet<string> = new Set(['items', 'additionalProperties'])
const SCHEMA_MAPS: ReadonlySet<string> = new Set(['$defs', 'properties'])

/** The value must be known, and fit `SCHEMA_SCHEMA`. */
export function schemaFrom(value: EvaluatedValue): Schema {
  if (typeof value.repr === 'boolean') return value.repr
  const schema: Record<string, unknown> = {}
  for (const key of value.keys) {
    if (KEYWORDS.has(key)) schema[key] = keyword(key, value.property(key)!)
  }
  return schema as JSONSchema
}

function keyword(key: string, value: EvaluatedValue): unknown {
  if (SCHEMAS.has(key)) return schemaFrom(value)
  if (SCHEMA_LISTS.has(key)) return (value.array ?? []).map(schemaFrom)
  return SCHEMA_MAPS.has(key) ? mapOf(value, schemaFrom) : dataOf(value)
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
