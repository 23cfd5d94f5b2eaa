/** Evaluated values → plain ones, with inherited properties and the trace of what they override. */
import { NO_POSITION, type Range } from '../diagnostic.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { limits } from '../limits.ts'
import { setEntry, type Value } from '../value.ts'

/** `environment` is shown as the place of values that no text defines. */
export function exportValue(value: EvaluatedValue, environment = ''): Value {
  return new ValueExporter(environment).export(value)
}

/** Exports each value once, however often it is shared. */
export class ValueExporter {
  readonly #environment: string
  readonly #exported = new Map<EvaluatedValue, Value>()
  // layers multiply: where they are too many to be of use, traces end early rather than take forever
  #remaining: number = limits.traced

  constructor(environment: string) {
    this.#environment = environment
  }

  export(value: EvaluatedValue): Value {
    const known = this.#exported.get(value)
    if (known) return known
    this.#remaining -= 1
    const base = value.base && this.#remaining > 0 ? this.export(value.base) : undefined
    const exported: Value = {
      value: this.#data(value),
      ...(value.secret && { secret: true }),
      ...(value.unknown && { unknown: true }),
      trace: { def: rangeOf(value.def.range, this.#environment), ...(base && { base }) },
    }
    this.#exported.set(value, exported)
    return exported
  }

  #data(value: EvaluatedValue): Value['value'] {
    if (value.array) return value.array.map((item) => this.export(item))
    if (!value.object) return value.repr as Value['value']
    const properties: Record<string, Value> = {}
    this.#remaining -= value.keys.length
    for (const key of value.keys) setEntry(properties, key, this.export(value.property(key)!))
    return properties
  }
}

export function rangeOf(range: Range | undefined, environment: string): Range {
  if (range) return range
  return { ...(environment !== '' && { environment }), begin: NO_POSITION, end: NO_POSITION }
}
