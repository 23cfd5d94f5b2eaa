/** Refuses the number texts that JSON cannot hold, infinities and not-a-number. */
import type { JsonNumber } from '../value.ts'

/** @throws RangeError for `+Inf`, `-Inf` and `NaN` */
export function jsonNumberText(number: JsonNumber): string {
  if (/^[-+]?(Inf|NaN)$/.test(number.text)) throw new RangeError(`${number.text} is no JSON number`)
  return number.text
}
