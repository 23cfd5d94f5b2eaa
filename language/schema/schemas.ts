/** Schemas of values, and what a schema says about a property or an item. Builds schemas, checks nothing. */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import { compareKeys } from '../encoding/order.ts'
import { setEntry } from '../value.ts'

export type SchemaType = NonNullable<JSONSchema['type']>

export const NULL_SCHEMA: Schema = Object.freeze({ type: 'null' })
export const STRING_SCHEMA: Schema = Object.freeze({ type: 'string' })

export function typeOf(schema: Schema): SchemaType | undefined {
  return typeof schema === 'boolean' ? undefined : (schema.type ?? '')
}

export function constant(type: 'boolean' | 'number' | 'string', value: unknown): Schema {
  return { type, const: value }
}

export function arrayOf(items: Schema): Schema {
  return { items, type: 'array' }
}

export function tuple(items: Schema[]): Schema {
  return { ...(items.length > 0 && { prefixItems: items }), items: false, type: 'array' }
}

/** An object that has exactly these properties, all required. */
export function record(properties: Iterable<readonly [string, Schema]>, additional?: Schema): Schema {
  const entries = [...properties].sort(([a], [b]) => compareKeys(a, b))
  const named: Record<string, Schema> = {}
  for (const [name, schema] of entries) setEntry(named, name, schema)
  return {
    ...(additional !== undefined && { additionalProperties: additional }),
    ...(entries.length > 0 && { properties: named }),
    type: 'object',
    ...(entries.length > 0 && { required: entries.map(([name]) => name) }),
  }
}

/** The schema of `top` laid over `base`: objects merge property by property, everything else is replaced. */
export function mergedSchema(base: Schema | undefined, top: Schema): Schema {
  if (typeof base !== 'object' || typeof top !== 'object') return top
  if (base.type !== 'object' || top.type !== 'object') return top
  const properties = new Map(Object.entries(base.properties ?? {}))
  for (const [name, schema] of Object.entries(top.properties ?? {})) {
    properties.set(name, mergedSchema(properties.get(name), schema))
  }
  const { additionalProperties: over } = top
  const { additionalProperties: under } = base
  return record(properties, over === undefined ? under : under === undefined ? over : true)
}

/** What the schema says about one property; false when it says that there is none. */
export function propertySchema(schema: Schema, name: string): Schema {
  return collect(schema, 'object', (object) => {
    const named = object.properties
    if (named && Object.hasOwn(named, name)) return named[name]
    return object.additionalProperties
  })
}

/** What the schema says about one element; false when it says that there is none. */
export function itemSchema(schema: Schema, index: number): Schema {
  return collect(schema, 'array', (array) => array.prefixItems?.[index] ?? array.items)
}

function collect(schema: Schema, type: SchemaType, pick: (schema: JSONSchema) => Schema | undefined): Schema {
  if (typeof schema === 'boolean') return false
  const found: Schema[] = []
  const visit = (branch: Schema): void => {
    if (typeof branch === 'boolean') return
    for (const union of [branch.anyOf, branch.oneOf]) {
      for (const inner of union ?? []) add(collect(inner, type, pick))
    }
    if (branch.type === type) add(pick(branch))
  }
  const add = (candidate: Schema | undefined): void => {
    if (candidate !== undefined && candidate !== false) found.push(candidate)
  }
  visit(schema)
  if (found.length === 0) return false
  return found.length === 1 ? found[0]! : { oneOf: found }
}
