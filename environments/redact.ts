/**
 * Takes everything secret out of an evaluated environment: values, the constants that schemas keep of them, and the
 * literals of `fn::secret`. When in doubt about a constant it goes.
 */
import { JsonNumber, type Environment, type Value } from '../language/index.ts'
import type { JSONSchema, Schema } from '../model/json-schema.ts'

const HIDDEN = '[secret]'

export function redactEnvironment({ exprs, properties, schema, executionContext }: Environment): Environment {
  const expressions = mapEntries(exprs as Record<string, Expression>, (expr) => redactExpression(expr))
  return {
    exprs: expressions as Environment['exprs'],
    properties: mapEntries(properties, redactValue),
    schema: redactSchema(schema, { value: properties }),
    executionContext,
  }
}

function redactValue(value: Value): Value {
  const { trace } = value
  const rest = trace && { trace: trace.base ? { ...trace, base: redactValue(trace.base) } : trace }
  if (value.secret) return { ...value, value: HIDDEN, ...rest }
  const content = value.value
  if (Array.isArray(content)) return { ...value, value: content.map(redactValue), ...rest }
  if (isRecord(content)) return { ...value, value: mapEntries(content, redactValue), ...rest }
  return { ...value, ...rest }
}

/** Constants stay only where the value that they are of is not secret. */
function redactSchema(schema: Schema, value: Value | undefined): Schema {
  if (typeof schema === 'boolean') return schema
  if (value === undefined || value.secret || value.unknown) return withoutConstants(schema)
  const content = value.value
  if (Array.isArray(content) && schema.prefixItems)
    return {
      ...withoutConstants(schema),
      prefixItems: schema.prefixItems.map((item, index) => redactSchema(item, content[index])),
    }
  if (isRecord(content) && schema.properties)
    return {
      ...withoutConstants(schema),
      properties: mapEntries(schema.properties, (part, key) =>
        redactSchema(part, Object.hasOwn(content, key) ? content[key] : undefined),
      ),
    }
  return Array.isArray(content) || isRecord(content) ? withoutConstants(schema) : schema
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
  list?: Expression[]
  object?: Record<string, Expression>
  builtin?: { name: string; arg?: Expression }
}

function redactExpression(expression: Expression, { secret = false } = {}): Expression {
  const { base, literal, list, object, builtin, schema, ...rest } = expression
  const redacted: Expression = {
    ...rest,
    ...(literal !== undefined && { literal: secret ? HIDDEN : literal }),
    ...(base && { base: redactExpression(base) }),
    ...(list && { list: list.map((item) => redactExpression(item)) }),
    ...(object && { object: mapEntries(object, (part) => redactExpression(part)) }),
    ...(builtin && { builtin: redactBuiltin(builtin) }),
  }
  if (schema === undefined) return redacted
  return { ...redacted, schema: schemaOf(schema, redacted, literal !== undefined && !secret) }
}

function redactBuiltin(builtin: NonNullable<Expression['builtin']>): NonNullable<Expression['builtin']> {
  const { arg } = builtin
  return arg ? { ...builtin, arg: redactExpression(arg, { secret: builtin.name === 'fn::secret' }) } : builtin
}

/** Of a literal the constant is in the text anyway; of a list or object its parts tell; of anything else it may be secret. */
function schemaOf(schema: Schema, { list, object }: Expression, isPublicLiteral: boolean): Schema {
  if (typeof schema === 'boolean' || isPublicLiteral) return schema
  const bare = withoutConstants(schema)
  if (list && bare.prefixItems)
    return { ...bare, prefixItems: bare.prefixItems.map((item, index) => list[index]?.schema ?? item) }
  if (object && bare.properties)
    return {
      ...bare,
      properties: mapEntries(bare.properties, (part, key) =>
        Object.hasOwn(object, key) ? (object[key]?.schema ?? part) : part,
      ),
    }
  return bare
}

function mapEntries<A, B>(record: Record<string, A>, map: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]))
}

function isRecord(content: Value['value']): content is Record<string, Value> {
  return (
    typeof content === 'object' &&
    content !== null &&
    !Array.isArray(content) &&
    !(content instanceof JsonNumber)
  )
}
