/** JSON text with a bound: data that is small in memory, because its parts are shared, may be huge written out. */
import { jsonNumberText } from '../encoding/json-number.ts'
import { limits } from '../limits.ts'
import { JsonNumber } from '../value.ts'

/**
 * JSON of plain data that may hold `JsonNumber`s, keys as they come; undefined is left out.
 * @throws RangeError when the text would be larger than `limits.producedText`, or for a number JSON cannot hold
 */
export function wireText(data: unknown): string {
  return new WireWriter().data(data)
}

/** Writes each part once, however often it is shared: the text of the whole is put together when it is read. */
export class WireWriter {
  readonly #texts = new Map<object, string>()
  readonly #keys = new Map<string, string>()

  once<T extends object>(part: T, write: (part: T) => string): string {
    const known = this.#texts.get(part)
    if (known !== undefined) return known
    const text = write(part)
    this.#texts.set(part, text)
    return text
  }

  data(data: unknown): string {
    if (typeof data !== 'object' || data === null) return JSON.stringify(data) ?? 'null'
    if (data instanceof JsonNumber) return jsonNumberText(data)
    return this.once(data, () =>
      Array.isArray(data)
        ? this.list(data, (item) => this.data(item))
        : this.record(data as Record<string, unknown>, (entry) => this.data(entry)),
    )
  }

  list<T>(items: readonly T[], write: (item: T) => string): string {
    let text = ''
    for (const item of items) text = bounded(text === '' ? write(item) : `${text},${write(item)}`)
    return `[${text}]`
  }

  /** Entries that are undefined are left out. */
  record<T>(record: Readonly<Record<string, T>>, write: (entry: T) => string): string {
    let text = ''
    for (const key of Object.keys(record)) {
      const entry = record[key]
      if (entry === undefined) continue
      text = this.field(text, key, write(entry as T))
    }
    return `{${text}}`
  }

  /** The fields so far and one more. */
  field(fields: string, key: string, text: string): string {
    return bounded(`${fields}${fields === '' ? '' : ','}${this.#key(key)}${text}`)
  }

  #key(key: string): string {
    let text = this.#keys.get(key)
    if (text === undefined) this.#keys.set(key, (text = `${JSON.stringify(key)}:`))
    return text
  }
}

function bounded(text: string): string {
  if (text.length <= limits.producedText) return text
  throw new RangeError(`the result is limited to ${limits.producedText} characters`)
}
