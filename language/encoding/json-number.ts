/** Refuses the number texts that JSON cannot hold, infinities and not-a-number. */
import type { JsonNumber } from '../value.ts'

/** @throws RangeError for `+Inf`, `-Inf` and `NaN` */
export function jsonNumberText(number: JsonNumber): string {
  if (/^[-+]?(Inf|NaN)$/.test(number.text))
    throw new RangeError(`json: invalid number literal "${number.text}"`)
  return number.text
}
