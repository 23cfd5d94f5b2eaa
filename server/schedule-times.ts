/** The times that a schedule may have here: readable, not over, and not more often than the operator allows. */
import { formatDuration } from '../config/index.ts'
import { parseSchedule, smallestInterval } from '../model/cron.ts'
import { parseInstant } from '../model/instant.ts'
import { Refusal } from '../model/refusal.ts'
import { findTimeZone } from '../model/time-zone.ts'
import type { Timing } from '../model/timing.ts'

/** What a client says of the times of a schedule; null says nothing. */
export interface AskedTimes {
  scheduleCron?: string | null
  scheduleOnce?: string | null
  timezone?: string
}

/**
 * Cron text or instant, and zone, as they are kept. What is not said stays as it was; a cron text takes the place of an
 * instant and the other way round. `shortest`: milliseconds, 0 for no limit.
 * @throws Refusal invalid
 */
export function readTimes(
  asked: AskedTimes,
  before: Timing | undefined,
  { seed, shortest }: { seed: string; shortest: number },
): Timing {
  const cron = asked.scheduleCron ?? undefined
  const once = asked.scheduleOnce ?? undefined
  const timezone = asked.timezone ?? before?.timezone ?? 'UTC'
  if (cron !== undefined && once !== undefined) {
    throw new Refusal(
      'invalid',
      'a schedule follows a cron text or is due once: give "scheduleCron" or "scheduleOnce", not both',
    )
  }
  if (cron !== undefined) return checkCron(cron, timezone, seed, shortest)
  if (once !== undefined) return { cron: null, once: parseInstant(once), timezone: demandZone(timezone) }
  if (before?.once) return { cron: null, once: before.once, timezone: demandZone(timezone) }
  if (before?.cron) return checkCron(before.cron, timezone, seed, shortest)
  throw new Refusal(
    'invalid',
    'a schedule needs a cron text in "scheduleCron", such as "0 3 * * *", or an instant in "scheduleOnce", ' +
      'such as "2027-01-31T03:00:00Z"',
  )
}

/** `now`: by the store's clock, at which this timing begins to count. @throws Refusal invalid when it never will be due */
export function refuseOver({ once }: Timing, now: Date): void {
  if (once === null || once > now) return
  throw new Refusal(
    'invalid',
    `${once.toISOString()} has passed (it is ${now.toISOString()}): a schedule that is due once needs an instant ` +
      'in the future; to rotate now, ask for a rotation',
  )
}

function demandZone(name: string): string {
  const zone = findTimeZone(name)
  if (zone !== undefined) return zone
  throw new Refusal(
    'invalid',
    `there is no time zone "${name}"; write an IANA name such as Europe/Berlin or UTC`,
  )
}

function checkCron(cron: string, timezone: string, seed: string, shortest: number): Timing {
  const schedule = parseSchedule(cron, timezone, seed)
  const interval = smallestInterval(schedule)
  if (interval < shortest) {
    throw new Refusal(
      'invalid',
      `"${schedule.cron}" is due every ${formatDuration(interval)} at times; ` +
        `here a schedule may not be due more often than every ${formatDuration(shortest)}`,
    )
  }
  return { cron: schedule.cron, once: null, timezone: schedule.timezone }
}
