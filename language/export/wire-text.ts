/** JSON text piece by piece, with a bound: shared data that is small in memory may be huge written out. */
import { jsonNumberText } from '../encoding/json-number.ts'
import { limits } from '../limits.ts'
import { JsonNumber } from '../value.ts'

/**
 * JSON of plain data that may hold `JsonNumber`s, keys as they come; undefined is left out.
 * @throws RangeError when the text would be larger than `limits.producedText`, or for a number JSON cannot hold
 */
export function wireText(data: unknown): string {
  const pieces: string[] = []
  let length = 0
  const add = (piece: string): void => {
    pieces.push(piece)
    length += piece.length
    if (length > limits.producedText) {
      throw new RangeError(`the result is limited to ${limits.producedText} characters`)
    }
  }
  const write = (value: unknown): void => {
    if (value instanceof JsonNumber) add(jsonNumberText(value))
    else if (Array.isArray(value)) writeAll('[', value, ']', write)
    else if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
      writeAll('{', entries, '}', ([key, entry]) => {
        add(`${JSON.stringify(key)}:`)
        write(entry)
      })
    } else add(JSON.stringify(value) ?? 'null')
  }
  const writeAll = <T>(open: string, items: readonly T[], close: string, each: (item: T) => void): void => {
    add(open)
    for (const [index, item] of items.entries()) {
      if (index > 0) add(',')
      each(item)
    }
    add(close)
  }
  write(data)
  return pieces.join('')
}
