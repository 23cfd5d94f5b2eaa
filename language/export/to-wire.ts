/** An environment as the API's JSON: expressions, values with their traces, schemas. Nothing is redacted here. */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import { isObjectValue, setEntry, type Value } from '../value.ts'
import type { Environment } from './environment.ts'
import type { ExportedExpression } from './export-expression.ts'
import { wireText } from './wire-text.ts'

/** @throws RangeError when the text would be larger than `limits.producedText`, or for a number JSON cannot hold */
export function toWire(environment: Environment | null): string {
  if (!environment) return 'null'
  const { exprs, properties, schema, executionContext } = environment
  const shape = new WireShape()
  return wireText({
    exprs: nonEmpty(mapRecord(exprs, (expression) => shape.expression(expression))),
    properties: nonEmpty(mapRecord(properties, (value) => shape.value(value))),
    schema: shape.schema(schema),
    executionContext: {
      properties: mapRecord(executionContext.properties, (value) => shape.value(value)),
      schema: shape.schema(executionContext.schema),
    },
  })
}

// every part is shaped once, however often it is shared; only the text repeats it
class WireShape {
  readonly #known = new Map<object, unknown>()

  value(value: Value): unknown {
    return this.#once(value, () => ({
      value: this.#data(value.value),
      secret: value.secret || undefined,
      unknown: value.unknown || undefined,
      trace: value.trace && { def: value.trace.def, base: value.trace.base && this.value(value.trace.base) },
    }))
  }

  #data(data: Value['value']): unknown {
    if (data === null) return undefined
    if (Array.isArray(data)) return data.map((item) => this.value(item))
    return isObjectValue(data) ? mapRecord(data, (item) => this.value(item)) : data
  }

  expression(expression: ExportedExpression): unknown {
    return this.#once(expression, () => {
      const { range, schema, base, list, object, builtin, ...rest } = expression
      return {
        range,
        schema: schema === undefined ? undefined : this.schema(schema),
        base: base && this.expression(base),
        ...rest,
        list: list?.map((item) => this.expression(item)),
        object: object && mapRecord(object, (item) => this.expression(item)),
        builtin: builtin && {
          ...builtin,
          argSchema: this.schema(builtin.argSchema),
          arg: this.expression(builtin.arg),
        },
      }
    })
  }

  /** Keywords in their usual order, `type` always present. */
  schema(schema: Schema): unknown {
    if (typeof schema === 'boolean') return schema
    return this.#once(schema, () => ({
      $defs: schema.$defs && mapRecord(schema.$defs, (inner) => this.schema(inner)),
      $ref: schema.$ref,
      anyOf: schema.anyOf?.map((inner) => this.schema(inner)),
      oneOf: schema.oneOf?.map((inner) => this.schema(inner)),
      prefixItems: schema.prefixItems?.map((inner) => this.schema(inner)),
      items: schema.items === undefined ? undefined : this.schema(schema.items),
      additionalProperties:
        schema.additionalProperties === undefined ? undefined : this.schema(schema.additionalProperties),
      properties: schema.properties && mapRecord(schema.properties, (inner) => this.schema(inner)),
      type: schema.type ?? '',
      ...keywords(schema),
    }))
  }

  #once(part: object, shape: () => unknown): unknown {
    const known = this.#known.get(part)
    if (known !== undefined) return known
    const shaped = shape()
    this.#known.set(part, shaped)
    return shaped
  }
}

const SHAPED: ReadonlySet<string> = new Set([
  '$defs',
  '$ref',
  'anyOf',
  'oneOf',
  'prefixItems',
  'items',
  'additionalProperties',
  'properties',
  'type',
])

function keywords(schema: JSONSchema): Record<string, unknown> {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !SHAPED.has(keyword)))
}

function mapRecord<T>(record: Record<string, T>, map: (entry: T) => unknown): Record<string, unknown> {
  const mapped: Record<string, unknown> = {}
  for (const [key, entry] of Object.entries(record)) setEntry(mapped, key, map(entry))
  return mapped
}

function nonEmpty(record: Record<string, unknown>): Record<string, unknown> | undefined {
  return Object.keys(record).length > 0 ? record : undefined
}
