/**
 * Takes everything secret out of an evaluated environment: values, the constants that schemas keep of them, and the
 * literals of `fn::secret`. When in doubt about a constant it goes.
 */
import { isObjectValue, type Environment, type Value } from '../language/index.ts'
import type { JSONSchema, Schema } from '../model/json-schema.ts'

const HIDDEN = '[secret]'

export function redactEnvironment({ exprs, properties, schema, executionContext }: Environment): Environment {
  const redaction = new Redaction()
  const expressions = mapEntries(exprs as Record<string, Expression>, (expr) => redaction.expression(expr))
  return {
    exprs: expressions as Environment['exprs'],
    properties: mapEntries(properties, (value) => redaction.value(value)),
    schema: redactSchema(schema, { value: properties }),
    executionContext,
  }
}

/** Constants stay only where the value that they are of is not secret. */
function redactSchema(schema: Schema, value: Value | undefined): Schema {
  if (typeof schema === 'boolean') return schema
  if (value?.secret) return typeOnly(schema)
  if (value === undefined || value.unknown) return withoutConstants(schema)
  const content = value.value
  if (Array.isArray(content) && schema.prefixItems)
    return {
      ...withoutConstants(schema),
      prefixItems: schema.prefixItems.map((item, index) => redactSchema(item, content[index])),
    }
  if (isObjectValue(content) && schema.properties)
    return {
      ...withoutConstants(schema),
      properties: mapEntries(schema.properties, (part, key) =>
        redactSchema(part, Object.hasOwn(content, key) ? content[key] : undefined),
      ),
    }
  return Array.isArray(content) || isObjectValue(content) ? withoutConstants(schema) : schema
}

function withoutConstants(schema: JSONSchema): JSONSchema {
  const strip = (part: Schema): Schema => (typeof part === 'boolean' ? part : withoutConstants(part))
  const { const: _constant, enum: _choices, ...rest } = schema
  return {
    ...rest,
    ...(rest.$defs && { $defs: mapEntries(rest.$defs, strip) }),
    ...(rest.anyOf && { anyOf: rest.anyOf.map(strip) }),
    ...(rest.oneOf && { oneOf: rest.oneOf.map(strip) }),
    ...(rest.prefixItems && { prefixItems: rest.prefixItems.map(strip) }),
    ...(rest.items !== undefined && { items: strip(rest.items) }),
    ...(rest.additionalProperties !== undefined && {
      additionalProperties: strip(rest.additionalProperties),
    }),
    ...(rest.properties && { properties: mapEntries(rest.properties, strip) }),
  }
}

/** An expression as environments are exported with it; only the parts that matter here. */
interface Expression {
  schema?: Schema
  base?: Expression
  literal?: unknown
  /** The text of a `fn::secret`, or something of which any part is secret. */
  secret?: true
  list?: Expression[]
  object?: Record<string, Expression>
  builtin?: { name: string; arg?: Expression }
}

/** Redacts each part once, however often it is shared: what values override is shared by many of them. */
class Redaction {
  readonly #values = new Map<Value, Value>()
  readonly #expressions = new Map<Expression, Expression>()

  value(value: Value): Value {
    return once(this.#values, value, () => this.#value(value))
  }

  #value(value: Value): Value {
    const { trace } = value
    const rest = trace && { trace: trace.base ? { ...trace, base: this.value(trace.base) } : trace }
    if (value.secret) return { ...value, value: HIDDEN, ...rest }
    const content = value.value
    if (Array.isArray(content)) return { ...value, value: content.map((item) => this.value(item)), ...rest }
    if (isObjectValue(content))
      return { ...value, value: mapEntries(content, (part) => this.value(part)), ...rest }
    return { ...value, ...rest }
  }

  expression(expression: Expression): Expression {
    return once(this.#expressions, expression, () => this.#expression(expression))
  }

  #expression(expression: Expression): Expression {
    const { base, literal, secret = false, list, object, builtin, schema, ...rest } = expression
    const redacted: Expression = {
      ...rest,
      ...(literal !== undefined && { literal: secret ? HIDDEN : literal }),
      ...(base && { base: this.expression(base) }),
      ...(list && { list: list.map((item) => this.expression(item)) }),
      ...(object && { object: mapEntries(object, (part) => this.expression(part)) }),
      ...(builtin && { builtin: this.#builtin(builtin) }),
    }
    if (schema === undefined) return redacted
    const isPublicLiteral = literal !== undefined && !secret
    return { ...redacted, schema: schemaOf(schema, redacted, { isPublicLiteral, secret }) }
  }

  #builtin(builtin: NonNullable<Expression['builtin']>): NonNullable<Expression['builtin']> {
    return builtin.arg ? { ...builtin, arg: this.expression(builtin.arg) } : builtin
  }
}

function once<T extends object>(known: Map<T, T>, part: T, redact: () => T): T {
  const redacted = known.get(part) ?? redact()
  known.set(part, redacted)
  return redacted
}

/**
 * Of a literal the constant is in the text anyway; of a list or object its parts tell, and only those that the text
 * has; of anything else it may be secret, and the names of properties too.
 */
function schemaOf(
  schema: Schema,
  { list, object }: Expression,
  { isPublicLiteral, secret }: { isPublicLiteral: boolean; secret: boolean },
): Schema {
  if (typeof schema === 'boolean' || isPublicLiteral) return schema
  if (secret && !list && !object) return typeOnly(schema)
  const bare = withoutConstants(schema)
  if (list && bare.prefixItems)
    return { ...bare, prefixItems: bare.prefixItems.map((item, index) => list[index]?.schema ?? item) }
  if (!object || !bare.properties) return bare
  const known = Object.entries(bare.properties).filter(([key]) => !secret || Object.hasOwn(object, key))
  const properties = Object.fromEntries(
    known.map(([key, part]) => [key, (Object.hasOwn(object, key) && object[key]?.schema) || part]),
  )
  return { ...bare, properties, ...(secret && { required: Object.keys(properties) }) }
}

function typeOnly({ type }: JSONSchema): JSONSchema {
  return type === undefined ? {} : { type }
}

function mapEntries<A, B>(record: Record<string, A>, map: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]))
}
