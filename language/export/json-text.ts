/** The JSON of a value as `fn::toJSON` gives it: secrets revealed, characters that HTML treats specially escaped. */
import { jsonNumberText } from '../encoding/json-number.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { JsonNumber } from '../value.ts'

/** @throws RangeError for numbers that JSON cannot hold */
export function jsonText(value: EvaluatedValue): string {
  if (value.array) return `[${value.array.map(jsonText).join(',')}]`
  if (value.object) {
    const properties = value.keys.map((key) => `${stringText(key)}:${jsonText(value.property(key)!)}`)
    return `{${properties.join(',')}}`
  }
  if (value.repr instanceof JsonNumber) return jsonNumberText(value.repr)
  return typeof value.repr === 'string' ? stringText(value.repr) : JSON.stringify(value.repr)
}

function stringText(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
