/** The JSON of a value as `fn::toJSON` gives it: secrets revealed, characters that HTML treats specially escaped. */
import { htmlSafe } from '../encoding/html-safe.ts'
import { jsonNumberText } from '../encoding/json-number.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { JsonNumber } from '../value.ts'

/**
 * @param produce is told the length of each piece, and may throw to end it: shared strings make long texts
 * @throws RangeError for numbers that JSON cannot hold
 */
export function jsonText(value: EvaluatedValue, produce: (length: number) => void): string {
  const write = (part: EvaluatedValue): string => {
    if (part.array) return `[${part.array.map(write).join(',')}]`
    if (part.object) {
      const properties = part.keys.map((key) => `${stringText(key)}:${write(part.property(key)!)}`)
      return `{${properties.join(',')}}`
    }
    const text = scalarText(part)
    produce(text.length)
    return text
  }
  return write(value)
}

function scalarText({ repr }: EvaluatedValue): string {
  if (repr instanceof JsonNumber) return jsonNumberText(repr)
  return typeof repr === 'string' ? stringText(repr) : JSON.stringify(repr)
}

function stringText(text: string): string {
  return htmlSafe(JSON.stringify(text))
}
