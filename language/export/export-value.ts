/** Evaluated values → plain ones, with inherited properties and the trace of what they override. */
import { NO_POSITION, type Range } from '../diagnostic.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { limits } from '../limits.ts'
import { setEntry, type Value } from '../value.ts'

/** `environment` is shown as the place of values that no text defines. */
export function exportValue(value: EvaluatedValue, environment = ''): Value {
  return new ValueExporter(environment).export(value)
}

/** What stands for the environment of an overridden value that no text defines. */
const IMPORTED = '<import>'

/** Exports each value once, however often it is shared. */
export class ValueExporter {
  readonly #environment: string
  readonly #exported = new Map<EvaluatedValue, Value>()
  // layers multiply: where they are too many to be of use, traces end early rather than take forever
  #remaining: number = limits.traced

  constructor(environment: string) {
    this.#environment = environment
  }

  /**
   * `own`: the value itself, not what a reference or an import took from it. Only there `fn::final` and
   * `fn::validate` go on showing the keys that they passed through, whatever has come to lie beneath.
   */
  export(value: EvaluatedValue, own = true, environment = this.#environment): Value {
    if (own && value.holdsBefore) return this.#own(value, value.before)
    const known = this.#exported.get(value)
    if (known) return known
    const exported = this.#shape(value, this.#data(value, environment), environment)
    this.#exported.set(value, exported)
    return exported
  }

  /** `before`: what the value was when its keys were counted. */
  #own(value: EvaluatedValue, before: EvaluatedValue | undefined): Value {
    if (!value.object) return this.#shape(value, this.#data(value, this.#environment))
    const isReference = value.def.kind === 'expression' && value.def.expression.kind === 'symbol'
    const properties: Record<string, Value> = {}
    for (const key of (before ?? value).keys) {
      const property = value.property(key)!
      const inner = before?.property(key)
      const isOwn = !isReference && value.object.has(key)
      setEntry(properties, key, inner?.object ? this.#own(property, inner) : this.export(property, isOwn))
    }
    return this.#shape(value, properties)
  }

  #shape(value: EvaluatedValue, data: Value['value'], environment = this.#environment): Value {
    this.#remaining -= 1
    const base = value.base && this.#remaining > 0 ? this.export(value.base, false, IMPORTED) : undefined
    return {
      value: data,
      ...(value.secret && { secret: true }),
      ...(value.unknown && { unknown: true }),
      trace: { def: rangeOf(value.def.range, environment), ...(base && { base }) },
    }
  }

  #data(value: EvaluatedValue, environment: string): Value['value'] {
    if (value.array) return value.array.map((item) => this.export(item, false, environment))
    if (!value.object) return value.repr as Value['value']
    const properties: Record<string, Value> = {}
    this.#remaining -= value.keys.length
    for (const key of value.keys) {
      setEntry(properties, key, this.export(value.property(key)!, false, environment))
    }
    return properties
  }
}

export function rangeOf(range: Range | undefined, environment: string): Range {
  if (range) return range
  return { ...(environment !== '' && { environment }), begin: NO_POSITION, end: NO_POSITION }
}
