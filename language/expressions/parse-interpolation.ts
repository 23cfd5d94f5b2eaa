/** The text of a string → literal text and `${…}` accesses. Goes on after an error, so there is always a result. */

/** Start and end in the string's own text, in UTF-16 units. */
export type Extent = readonly [start: number, end: number]

export interface ParsedAccessor {
  key: string | number
  extent: Extent
}
export interface ParsedPart {
  text: string
  access?: ParsedAccessor[]
}
export interface InterpolationError {
  summary: string
  extent: Extent
}

export function parseInterpolation(text: string): { parts: ParsedPart[]; errors: InterpolationError[] } {
  const parts: ParsedPart[] = []
  const errors: InterpolationError[] = []
  let literal = ''
  let at = 0
  while (at < text.length) {
    const dollar = text.indexOf('$', at)
    if (dollar < 0) {
      literal += text.slice(at)
      break
    }
    literal += text.slice(at, dollar)
    const next = text[dollar + 1]
    if (next === '{') {
      const reader = new AccessReader(text, dollar + 2, errors)
      parts.push({ text: literal, access: reader.read() })
      literal = ''
      at = reader.at
    } else {
      literal += '$'
      at = dollar + (next === '$' ? 2 : 1)
    }
  }
  if (literal !== '') parts.push({ text: literal })
  return { parts, errors }
}

const SPACE = /[\t-\r \u0085\u00a0]/

function fits64Bits(digits: string): boolean {
  return (
    digits.length < 40 &&
    BigInt.asIntN(64, BigInt(digits.replace('+', ''))) === BigInt(digits.replace('+', ''))
  )
}

class AccessReader {
  at: number
  readonly #text: string
  readonly #errors: InterpolationError[]
  readonly #accessors: ParsedAccessor[] = []

  constructor(text: string, at: number, errors: InterpolationError[]) {
    this.#text = text
    this.at = at
    this.#errors = errors
  }

  read(): ParsedAccessor[] {
    let start = this.at
    for (;;) {
      start = this.at
      const character = this.#text[this.at]
      if (character === undefined || SPACE.test(character)) {
        this.#error(start, "missing closing brace '}' in interpolation")
        break
      }
      if (character !== '[' && character !== '.' && character !== '}') {
        this.#name(start)
        continue
      }
      this.at += 1
      if (character === '}') break
      if (character === '.') this.#name(start)
      else this.#subscript(start)
    }
    if (this.#accessors.length === 0) this.#push('', start)
    return this.#accessors
  }

  #name(start: number): void {
    const name = this.#upTo(/[.[}\t-\r \u0085\u00a0]/)
    if (name === '') this.#error(start, 'property name must not be empty')
    this.#push(name, start)
  }

  #subscript(start: number): void {
    const quoted = this.#text[this.at] === '"'
    const key = quoted ? this.#quotedKey(start) : this.#number(start)
    if (this.#text[this.at] === ']') this.at += 1
    else this.#error(start, "subscript is missing closing bracket ']'")
    this.#push(key, start)
  }

  #quotedKey(start: number): string {
    let key = ''
    this.at += 1
    for (;;) {
      const character = this.#text[this.at]
      if (character === undefined) {
        this.#error(start + 1, "key subscript is missing closing quote '\"'")
        return key
      }
      this.at += 1
      if (character === '"') {
        if (key === '') this.#error(start + 1, 'key subscript must not be empty')
        return key
      }
      const escaped = character === '\\' && this.#text[this.at] === '"'
      key += escaped ? '"' : character
      if (escaped) this.at += 1
    }
  }

  #number(start: number): string | number {
    if (this.at >= this.#text.length) return ''
    const digits = this.#upTo(/[\].[}\t-\r \u0085\u00a0]/)
    if (!/^[-+]?\d+$/.test(digits) || !fits64Bits(digits)) {
      this.#error(start + 1, 'numeric subscript must be a positive base-10 integer')
      return digits
    }
    if (this.#accessors.length === 0) {
      this.#error(
        start,
        'the first accessor must be a property name or key subscript, not a numeric subscript',
      )
    }
    return Number(digits)
  }

  #upTo(end: RegExp): string {
    const start = this.at
    while (this.at < this.#text.length && !end.test(this.#text[this.at]!)) this.at += 1
    return this.#text.slice(start, this.at)
  }

  #push(key: string | number, start: number): void {
    this.#accessors.push({ key, extent: [start, this.at] })
  }

  #error(start: number, summary: string): void {
    this.#errors.push({ summary, extent: [start, this.at] })
  }
}
