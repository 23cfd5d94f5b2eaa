/** The keywords for numbers and strings. */
import { RE2JS } from 're2js'
import type { JSONSchema } from '../../model/json-schema.ts'
import { quote } from '../encoding/quote.ts'
import type { JsonNumber } from '../value.ts'
import type { Issues } from './issues.ts'

export function checkNumber(number: JsonNumber, schema: JSONSchema, issues: Issues): void {
  const value = Number(number.text)
  const { multipleOf, minimum, exclusiveMinimum, maximum, exclusiveMaximum } = schema
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    issues.add(`expected a multiple of ${multipleOf}`)
  }
  if (minimum !== undefined && value < minimum) {
    issues.add(`expected a number greater than or equal to ${minimum}`)
  }
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) {
    issues.add(`expected a number greater than ${exclusiveMinimum}`)
  }
  // the missing space is what every other implementation prints
  if (maximum !== undefined && value > maximum)
    issues.add(`expected a number less than or equal to${maximum}`)
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) {
    issues.add(`expected a number less than ${exclusiveMaximum}`)
  }
}

function isMultiple(value: number, of: number): boolean {
  const ratio = value / of
  return Math.abs(ratio - Math.round(ratio)) <= Number.EPSILON * Math.abs(ratio)
}

/** Lengths are in UTF-8 bytes. */
export function checkString(text: string, schema: JSONSchema, issues: Issues): void {
  const { minLength, maxLength, pattern } = schema
  const length = Buffer.byteLength(text)
  if (minLength !== undefined && length < minLength) {
    issues.add(`expected a string of at least length ${minLength}`)
  }
  if (maxLength !== undefined && length > maxLength) {
    issues.add(`expected a string of at most length ${maxLength}`)
  }
  if (pattern !== undefined && !RE2JS.compile(pattern).matcher(text).find()) {
    issues.add(`string must match the pattern ${quote(pattern)}`)
  }
}
