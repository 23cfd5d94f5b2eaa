/** What `rotateOnly` of an object's schema says about its properties, told to everything inside them. */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'

// rotators give the same schema each time
const known = new WeakMap<JSONSchema, JSONSchema>()

/** The schema as calls show it: in what only rotations need, every property is named `rotateOnly` too. */
export function rotateOnlySpread(schema: Schema): Schema {
  if (typeof schema === 'boolean') return schema
  const spread = known.get(schema)
  if (spread) return spread
  const result = mapped(schema, rotateOnlySpread)
  known.set(schema, result)
  for (const name of schema.rotateOnly ?? []) {
    const property = schema.properties && Object.hasOwn(schema.properties, name) && schema.properties[name]
    if (property) result.properties = { ...result.properties, [name]: needed(property) }
  }
  return result
}

function needed(schema: Schema): Schema {
  if (typeof schema === 'boolean') return schema
  return { ...mapped(schema, needed), rotateOnly: Object.keys(schema.properties ?? {}) }
}

function mapped(schema: JSONSchema, map: (part: Schema) => Schema): JSONSchema {
  const { $defs, anyOf, oneOf, prefixItems, items, additionalProperties, properties } = schema
  return {
    ...schema,
    ...(anyOf && { anyOf: anyOf.map(map) }),
    ...(oneOf && { oneOf: oneOf.map(map) }),
    ...(prefixItems && { prefixItems: prefixItems.map(map) }),
    ...(items !== undefined && { items: map(items) }),
    ...(additionalProperties !== undefined && { additionalProperties: map(additionalProperties) }),
    ...($defs && { $defs: mappedEach($defs, map) }),
    ...(properties && { properties: mappedEach(properties, map) }),
  }
}

function mappedEach(parts: Record<string, Schema>, map: (part: Schema) => Schema): Record<string, Schema> {
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, map(part)]))
}
