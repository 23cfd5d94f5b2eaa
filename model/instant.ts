/** Instants as people and clients write them. Never guesses a zone or a date that does not exist. */
import { Refusal } from './refusal.ts'

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/
/** Temporal's calendars end with the year 2100. */
const LAST_YEAR = 2099

/**
 * Reads an RFC 3339 instant; a fraction of a second counts as the whole one after it, which is as fine as schedules go.
 * @throws Refusal invalid
 */
export function parseInstant(text: string): Date {
  const match = RFC3339.exec(text.trim())
  if (!match) {
    throw new Refusal(
      'invalid',
      `"${text.slice(0, 80)}" is not an instant; write date, time and offset, as in 2027-01-31T03:00:00Z or 2027-01-31T04:00:00+01:00`,
    )
  }
  const [, year, month, day, hour, minute, second, fraction = '', offset = ''] = match
  const asUtc = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  const instant = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset.toUpperCase()}`)
  // "30 February" would be read as 2 March.
  const isReal =
    !Number.isNaN(instant.getTime()) &&
    asUtc.toISOString().startsWith(`${year}-${month}-${day}T${hour}:${minute}:${second}`)
  if (!isReal) throw new Refusal('invalid', `"${text.trim()}" is no date and time that exists`)
  if (instant.getUTCFullYear() > LAST_YEAR) {
    throw new Refusal('invalid', `"${text.trim()}" is too far away; the last year is ${LAST_YEAR}`)
  }
  return new Date(instant.getTime() + (/[1-9]/.test(fraction) ? 1000 : 0))
}
