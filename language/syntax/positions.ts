/** Turns UTF-16 offsets of one text into lines, code-point columns and UTF-8 bytes, in near constant time. */
import type { Position } from '../diagnostic.ts'

const STRIDE = 256

export class Positions {
  readonly #text: string
  readonly #lineStarts: number[]
  readonly #ascii: boolean
  /** Code points and bytes before every STRIDE-th UTF-16 unit; empty for ASCII texts, which need none. */
  readonly #codePoints: number[] = []
  readonly #bytes: number[] = []

  constructor(text: string) {
    this.#text = text
    // a byte order mark takes no column
    this.#lineStarts = [text.startsWith('\ufeff') ? 1 : 0]
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1)
    // eslint-disable-next-line no-control-regex
    this.#ascii = /^[\0-\x7f]*$/.test(text)
    if (!this.#ascii) this.#measure()
  }

  at(offset: number): Position {
    const line = this.#lineOf(offset)
    const start = this.#lineStarts[line - 1]!
    if (this.#ascii) return { line, column: offset - start + 1, byte: offset }
    const here = this.#count(offset)
    return { line, column: here.codePoints - this.#count(start).codePoints + 1, byte: here.bytes }
  }

  /** The position of a column that may lie past the line's end: such columns count one byte each. */
  atColumn(line: number, column: number): Position {
    const start = this.#lineStarts[Math.min(line, this.#lineStarts.length) - 1]!
    if (this.#ascii) return { line, column, byte: start + column - 1 }
    const from = this.#count(start)
    return { line, column, byte: from.bytes + column - 1 }
  }

  lineStart(offset: number): number {
    return this.#lineStarts[this.#lineOf(offset) - 1]!
  }

  #lineOf(offset: number): number {
    let low = 0
    let high = this.#lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#lineStarts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }

  #measure(): void {
    let codePoints = 0
    let bytes = 0
    for (let at = 0; at < this.#text.length; at += 1) {
      if (at % STRIDE === 0) {
        this.#codePoints.push(codePoints)
        this.#bytes.push(bytes)
      }
      const unit = this.#text.charCodeAt(at)
      codePoints += isLowSurrogate(unit) ? 0 : 1
      bytes += bytesOf(unit)
    }
    this.#codePoints.push(codePoints)
    this.#bytes.push(bytes)
  }

  #count(offset: number): { codePoints: number; bytes: number } {
    const mark = Math.min(Math.floor(offset / STRIDE), this.#codePoints.length - 1)
    let codePoints = this.#codePoints[mark]!
    let bytes = this.#bytes[mark]!
    for (let at = mark * STRIDE; at < Math.min(offset, this.#text.length); at += 1) {
      const unit = this.#text.charCodeAt(at)
      codePoints += isLowSurrogate(unit) ? 0 : 1
      bytes += bytesOf(unit)
    }
    return { codePoints, bytes }
  }
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

// a surrogate pair is four bytes: two are counted on each half
function bytesOf(unit: number): number {
  if (unit < 0x80) return 1
  if (unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff)) return 2
  return 3
}
