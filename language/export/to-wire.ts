/** An environment as the API's JSON: expressions, values with their traces, schemas. Nothing is redacted here. */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import type { Range } from '../diagnostic.ts'
import { isObjectValue, type Value } from '../value.ts'
import type { Environment } from './environment.ts'
import type { ExportedExpression, ExportedPropertyAccessor } from './export-expression.ts'
import { AFTER_TYPE, BEFORE_TYPE, holdsSchemas, saysNothing } from './schema-keywords.ts'
import { WireWriter } from './wire-text.ts'

/** @throws RangeError when the text would be larger than `limits.producedText`, or for a number JSON cannot hold */
export function toWire(environment: Environment | null): string {
  if (!environment) return 'null'
  const { exprs, properties, schema, executionContext } = environment
  const writer = new EnvironmentWriter()
  let text = ''
  if (!isEmpty(exprs)) text = writer.field(text, 'exprs', writer.expressions(exprs))
  if (!isEmpty(properties)) text = writer.field(text, 'properties', writer.values(properties))
  text = writer.field(text, 'schema', writer.schema(schema))
  const context = `{"properties":${writer.values(executionContext.properties)},"schema":${writer.schema(executionContext.schema)}}`
  return `{${writer.field(text, 'executionContext', context)}}`
}

/**
 * One value as `toWire` writes it.
 * @throws RangeError as `toWire`
 */
export function valueToWire(value: Value): string {
  return new EnvironmentWriter().value(value)
}

class EnvironmentWriter extends WireWriter {
  expressions(expressions: Readonly<Record<string, ExportedExpression>>): string {
    return this.record(expressions, (expression) => this.expression(expression))
  }

  values(values: Readonly<Record<string, Value>>): string {
    return this.record(values, (value) => this.value(value))
  }

  value(value: Value): string {
    return this.once(value, ({ value: data, secret, unknown, trace }) => {
      let text = ''
      if (data !== null) text = this.field(text, 'value', this.#content(data))
      if (secret) text = this.field(text, 'secret', 'true')
      if (unknown) text = this.field(text, 'unknown', 'true')
      let places = trace ? this.field('', 'def', this.range(trace.def)) : ''
      if (trace?.base) places = this.field(places, 'base', this.value(trace.base))
      return `{${this.field(text, 'trace', `{${places}}`)}}`
    })
  }

  #content(data: Value['value']): string {
    if (Array.isArray(data)) return this.list(data, (item) => this.value(item))
    return isObjectValue(data) ? this.values(data) : this.data(data)
  }

  range(range: Range): string {
    return this.once(range, ({ environment, begin, end }) => {
      const name = environment === undefined ? '' : `"environment":${JSON.stringify(environment)},`
      return (
        `{${name}"begin":{"line":${begin.line},"column":${begin.column},"byte":${begin.byte}},` +
        `"end":{"line":${end.line},"column":${end.column},"byte":${end.byte}}}`
      )
    })
  }

  expression(expression: ExportedExpression): string {
    return this.once(expression, (part) => `{${this.#expressionFields(part)}}`)
  }

  #expressionFields(expression: ExportedExpression): string {
    const { range, schema, base, keyRanges, literal, interpolate, symbol, access, list, object, builtin } =
      expression
    let text = this.field('', 'range', this.range(range))
    const add = (key: string, written: string): void => {
      text = this.field(text, key, written)
    }
    if (schema !== undefined) add('schema', this.schema(schema))
    if (base) add('base', this.expression(base))
    if (keyRanges)
      add(
        'keyRanges',
        this.record(keyRanges, (keyRange) => this.range(keyRange)),
      )
    if (literal !== undefined) add('literal', this.data(literal))
    if (interpolate)
      add(
        'interpolate',
        this.list(interpolate, (part) => this.#part(part)),
      )
    if (symbol) add('symbol', this.#accessors(symbol))
    if (access) add('access', this.data(access))
    if (list)
      add(
        'list',
        this.list(list, (item) => this.expression(item)),
      )
    if (object) add('object', this.expressions(object))
    if (builtin) {
      const { name, nameRange, argSchema, arg } = builtin
      let call = this.field('', 'name', JSON.stringify(name))
      call = this.field(call, 'nameRange', this.range(nameRange))
      call = this.field(call, 'argSchema', this.schema(argSchema))
      add('builtin', `{${this.field(call, 'arg', this.expression(arg))}}`)
    }
    return text
  }

  #part({ text, value }: NonNullable<ExportedExpression['interpolate']>[number]): string {
    const written = text === undefined ? '' : this.field('', 'text', JSON.stringify(text))
    return `{${value ? this.field(written, 'value', this.#accessors(value)) : written}}`
  }

  #accessors(accessors: readonly ExportedPropertyAccessor[]): string {
    return this.list(accessors, ({ key, index, range, value }) => {
      const name = key === undefined ? `"index":${index}` : `"key":${JSON.stringify(key)}`
      return `{${name},"range":${this.range(range)},"value":${this.range(value)}}`
    })
  }

  /** Keywords in their usual order, `type` always present, others only where they say something. */
  schema(schema: Schema): string {
    if (typeof schema === 'boolean') return String(schema)
    return this.once(schema, (part) => {
      let text = ''
      for (const keyword of BEFORE_TYPE) text = this.#keyword(text, part, keyword)
      text = this.field(text, 'type', JSON.stringify(part.type ?? ''))
      for (const keyword of AFTER_TYPE) text = this.#keyword(text, part, keyword)
      return `{${text}}`
    })
  }

  #keyword(text: string, schema: JSONSchema, keyword: keyof JSONSchema): string {
    const value = schema[keyword]
    if (value === undefined || saysNothing(keyword, value)) return text
    const each = (inner: Schema): string => this.schema(inner)
    switch (holdsSchemas(keyword)) {
      case 'map':
        return this.field(text, keyword, this.record(value as Record<string, Schema>, each))
      case 'list':
        return this.field(text, keyword, this.list(value as Schema[], each))
      case 'one':
        return this.field(text, keyword, each(value as Schema))
      case undefined:
        return this.field(text, keyword, this.data(value))
    }
  }
}

function isEmpty(collection: object): boolean {
  return Object.keys(collection).length === 0
}
