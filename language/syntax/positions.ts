/** Turns UTF-16 offsets of one text into lines, code-point columns and UTF-8 bytes, in near constant time. */
import type { Position } from '../diagnostic.ts'
import { ASCII, clustersOf } from './display-width.ts'

const STRIDE = 256

export class Positions {
  readonly #text: string
  readonly #lineStarts: number[]
  readonly #ascii: boolean
  /** Code points and bytes before every STRIDE-th UTF-16 unit; empty for ASCII texts, which need none. */
  readonly #codePoints: number[] = []
  readonly #bytes: number[] = []
  readonly #columns = new Map<number, readonly number[] | 'ascii'>()

  constructor(text: string) {
    this.#text = text
    // a byte order mark takes no column
    this.#lineStarts = [text.startsWith('\ufeff') ? 1 : 0]
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1)
    this.#ascii = ASCII.test(text)
    if (!this.#ascii) this.#measure()
  }

  at(offset: number): Position {
    const line = this.#lineOf(offset)
    const start = this.#lineStarts[line - 1]!
    if (this.#ascii) return { line, column: offset - start + 1, byte: offset }
    return this.atColumn(line, this.#count(offset).codePoints - this.#count(start).codePoints + 1)
  }

  /**
   * The position of a column that may lie past the line's end. Its byte is where a display would show that column,
   * which after wide characters is not where it is: that is how it is counted everywhere.
   */
  atColumn(line: number, column: number): Position {
    const start = this.#lineStarts[Math.min(line, this.#lineStarts.length) - 1]!
    if (this.#ascii) return { line, column, byte: start + column - 1 }
    return { line, column, byte: this.#count(start).bytes + this.#bytesTo(line, start, column) }
  }

  #bytesTo(line: number, start: number, column: number): number {
    const bytes = this.#columns.get(line) ?? this.#measureLine(line, start)
    if (bytes === 'ascii') return column - 1
    return bytes[Math.min(column, bytes.length) - 1] ?? 0
  }

  /** For each column of a line, the bytes before it; ASCII lines need none. */
  #measureLine(line: number, start: number): readonly number[] | 'ascii' {
    const next = this.#lineStarts[line]
    const text = this.#text.slice(start, next === undefined ? undefined : next - 1)
    let columns: number[] | 'ascii' = 'ascii'
    if (!ASCII.test(text)) {
      columns = [0]
      let total = 0
      for (const { bytes, width } of clustersOf(text)) {
        total += bytes
        for (let column = 0; column < width; column += 1) columns.push(total)
      }
      columns.push(total)
    }
    this.#columns.set(line, columns)
    return columns
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
