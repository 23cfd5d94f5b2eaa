/** Marks as secret what a schema calls secret, wherever a value was written in clear. */
import { JsonNumber, type Value } from '../language/index.ts'
import type { JSONSchema, Schema } from '../model/json-schema.ts'

/** The value itself when there is nothing to mark. */
export function markSecrets(value: Value, schema: Schema): Value {
  return typeof schema === 'boolean' ? value : mark(value, schema, schema)
}

function mark(value: Value, schema: JSONSchema, root: JSONSchema): Value {
  if (value.secret) return value
  if (schema.secret) return { ...value, secret: true }
  const follow = (part: Value, by: Schema | undefined): Value =>
    by === undefined || typeof by === 'boolean' ? part : mark(part, by, root)
  let marked = value
  for (const branch of [definition(schema.$ref, root), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])])
    marked = follow(marked, branch)
  const content = marked.value
  if (Array.isArray(content)) {
    const items = content.map((item, index) => follow(item, schema.prefixItems?.[index] ?? schema.items))
    return items.every((item, index) => item === content[index]) ? marked : { ...marked, value: items }
  }
  if (typeof content === 'object' && content !== null && !(content instanceof JsonNumber)) {
    const entries = Object.entries(content).map(
      ([key, part]) => [key, follow(part, propertyOf(schema, key))] as const,
    )
    return entries.every(([key, part]) => part === content[key])
      ? marked
      : { ...marked, value: Object.fromEntries(entries) }
  }
  return marked
}

function propertyOf(schema: JSONSchema, key: string): Schema | undefined {
  const { properties = {} } = schema
  return Object.hasOwn(properties, key) ? properties[key] : schema.additionalProperties
}

function definition(ref: string | undefined, root: JSONSchema): Schema | undefined {
  const name = ref?.startsWith('#/$defs/') ? decodeURIComponent(ref.slice('#/$defs/'.length)) : undefined
  return name === undefined ? undefined : root.$defs?.[name]
}
