/** JSON text → values with numbers as written. Reads the first value only and never shows the text in an error. */
import { limits } from '../limits.ts'
import { JsonNumber, setEntry, type Value } from '../value.ts'

/** Why a text is no JSON. */
export class JsonError extends Error {}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
/** A number that breaks off where it cannot end. */
const UNFINISHED = /-?(?:0|[1-9]\d*)?(?:\.(?:\d+(?:[eE][-+]?)?)?|[eE][-+]?)?/y
const SPACE = /[ \t\r\n]*/y
const WORDS: readonly (readonly [string, null | boolean])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
]

/**
 * Duplicate keys: the last one wins. What follows the first value is ignored.
 * @throws JsonError
 */
export function parseJson(text: string): Value {
  return new Reader(text).value(1)
}

class Reader {
  readonly #text: string
  #at = 0
  #values = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): Value {
    this.#values += 1
    if (this.#values > limits.values + 1)
      throw new JsonError(`a value is limited to ${limits.values} values inside it`)
    if (depth > limits.nesting) throw new JsonError(`nesting is limited to ${limits.nesting} levels`)
    this.#space()
    const character = this.#text[this.#at]
    if (character === undefined) throw new JsonError(depth === 1 ? 'EOF' : 'unexpected EOF')
    if (character === '{') return { value: this.#object(depth) }
    if (character === '[') return { value: this.#array(depth) }
    if (character === '"') return { value: this.#string() }
    for (const [word, meaning] of WORDS) {
      if (character !== word[0]) continue
      const length = commonLength(word, this.#text.slice(this.#at, this.#at + word.length))
      this.#at += length
      return length === word.length ? { value: meaning } : this.#unexpected()
    }
    const start = this.#at
    const digits = this.#match(NUMBER)
    const next = this.#text[this.#at]
    if (digits !== undefined && !this.#goesOn(digits, next)) return { value: new JsonNumber(digits) }
    this.#at = start
    this.#match(UNFINISHED)
    return this.#unexpected()
  }

  /** True where a fraction or an exponent begins and has no digits. */
  #goesOn(digits: string, next: string | undefined): boolean {
    if (next === '.') return !/[.eE]/.test(digits)
    return (next === 'e' || next === 'E') && !/[eE]/.test(digits)
  }

  #object(depth: number): Record<string, Value> {
    const properties: Record<string, Value> = {}
    this.#at += 1
    if (this.#next('}')) return properties
    for (;;) {
      this.#space()
      if (this.#text[this.#at] !== '"') this.#unexpected()
      const key = this.#string()
      if (!this.#next(':')) this.#unexpected()
      setEntry(properties, key, this.value(depth + 1))
      if (this.#next('}')) return properties
      if (!this.#next(',')) this.#unexpected()
    }
  }

  #array(depth: number): Value[] {
    const items: Value[] = []
    this.#at += 1
    if (this.#next(']')) return items
    for (;;) {
      items.push(this.value(depth + 1))
      if (this.#next(']')) return items
      if (!this.#next(',')) this.#unexpected()
    }
  }

  #string(): string {
    const start = this.#at
    for (this.#at += 1; this.#text[this.#at] !== '"'; this.#at += 1) {
      if (this.#text[this.#at] === '\\') this.#at += 1
      if (this.#at >= this.#text.length) throw new JsonError('unexpected EOF')
    }
    this.#at += 1
    try {
      // halves of characters that are not there become the mark for that
      return (JSON.parse(this.#text.slice(start, this.#at)) as string).toWellFormed()
    } catch {
      throw new JsonError(`invalid string at offset ${start}`)
    }
  }

  #next(character: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #space(): void {
    this.#match(SPACE)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #unexpected(): never {
    if (this.#at >= this.#text.length) throw new JsonError('unexpected EOF')
    // the text may be a secret: say where, not what
    throw new JsonError(`invalid character at offset ${this.#at}`)
  }
}

function commonLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}
