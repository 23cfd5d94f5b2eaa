/** Values as hosts, providers and exports see them: plain data, no evaluation state. */
import type { Range } from './diagnostic.ts'

/** A number as its decimal text, so that no digit is lost on the way from a definition or from JSON. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The digits themselves. */
  toString(): string {
    return this.text
  }
}

export interface Trace {
  /** Where the value is defined. */
  def: Range
  /** The imported value that it overrides. */
  base?: Value
}

export interface Value {
  value: null | boolean | JsonNumber | string | Value[] | Record<string, Value>
  secret?: boolean
  /** Not known now: not evaluated (check), failed, or rotate-only outside a rotation. `value` means nothing then. */
  unknown?: boolean
  trace?: Trace
}

export function isObjectValue(value: Value['value']): value is Record<string, Value> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
  )
}

/** Sets an entry of a record even where the key is `__proto__`. */
export function setEntry<T>(record: Record<string, T>, key: string, entry: T): void {
  if (key === '__proto__') {
    Object.defineProperty(record, key, { value: entry, enumerable: true, writable: true, configurable: true })
  } else {
    record[key] = entry
  }
}
