/** The keywords for numbers and strings. */
import type { JSONSchema } from '../../model/json-schema.ts'
import { quote } from '../encoding/quote.ts'
import { JsonNumber } from '../value.ts'
import { binaryFloat, compareFloats, isMultiple } from './binary-float.ts'
import { patternOf } from './compile-schema.ts'
import type { Issues } from './issues.ts'

/** A definition's schemas keep the digits of their bounds, a provider's are plain numbers. */
type Bound = number | JsonNumber | undefined

export function checkNumber(number: JsonNumber, schema: JSONSchema, issues: Issues): void {
  // infinities have no mantissa: they are beyond every bound, and multiples of nothing
  const value = binaryFloat(number.text)
  const compare = (bound: NonNullable<Bound>): number => {
    const other = binaryFloat(boundText(bound))
    return value && other ? compareFloats(value, other) : Number(number.text) - Number(boundText(bound))
  }
  const { multipleOf, minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Record<string, Bound> =
    schema as Record<string, Bound>
  if (multipleOf !== undefined) {
    const divisor = binaryFloat(boundText(multipleOf))
    if (!value || !divisor || !isMultiple(value, divisor)) {
      issues.add(`expected a multiple of ${boundText(multipleOf)}`)
    }
  }
  if (minimum !== undefined && compare(minimum) < 0) {
    issues.add(`expected a number greater than or equal to ${boundText(minimum)}`)
  }
  if (exclusiveMinimum !== undefined && compare(exclusiveMinimum) <= 0) {
    issues.add(`expected a number greater than ${boundText(exclusiveMinimum)}`)
  }
  // the missing space is what every other implementation prints
  if (maximum !== undefined && compare(maximum) > 0) {
    issues.add(`expected a number less than or equal to${boundText(maximum)}`)
  }
  if (exclusiveMaximum !== undefined && compare(exclusiveMaximum) >= 0) {
    issues.add(`expected a number less than ${boundText(exclusiveMaximum)}`)
  }
}

function boundText(bound: NonNullable<Bound>): string {
  return bound instanceof JsonNumber ? bound.text : String(bound)
}

// matching takes time in proportion to the text, and about as much as a step for so many of its characters
const CHARACTERS_PER_STEP = 16

/** Lengths are in UTF-8 bytes. */
export function checkString(
  text: string,
  schema: JSONSchema,
  issues: Issues,
  spend: (steps: number) => void,
): void {
  const { minLength, maxLength, pattern } = schema
  const length = Buffer.byteLength(text)
  if (minLength !== undefined && length < count(minLength)) {
    issues.add(`expected a string of at least length ${count(minLength)}`)
  }
  if (maxLength !== undefined && length > count(maxLength)) {
    issues.add(`expected a string of at most length ${count(maxLength)}`)
  }
  if (pattern === undefined || pattern === '') return
  spend(Math.ceil(text.length / CHARACTERS_PER_STEP))
  if (!patternOf(pattern).matcher(text).find()) {
    issues.add(`string must match the pattern ${quote(pattern)}`)
  }
}

/** A count as the schema has it. */
export function count(bound: number | JsonNumber): number {
  return bound instanceof JsonNumber ? Number(bound.text) : bound
}
