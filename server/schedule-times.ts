/** The times that a schedule may have here: readable, and not more often than the operator allows. */
import { formatDuration } from '../config/index.ts'
import { parseSchedule, smallestInterval } from '../model/cron.ts'
import { Refusal } from '../model/refusal.ts'

/** Cron text and zone as they are kept. `shortest`: milliseconds, 0 for no limit. @throws Refusal invalid */
export function checkTimes(
  cron: string,
  timezone: string,
  seed: string,
  shortest: number,
): { cron: string; timezone: string } {
  const schedule = parseSchedule(cron, timezone, seed)
  const interval = smallestInterval(schedule)
  if (interval < shortest) {
    throw new Refusal(
      'invalid',
      `"${schedule.cron}" is due every ${formatDuration(interval)} at times; ` +
        `here a schedule may not be due more often than every ${formatDuration(shortest)}`,
    )
  }
  return { cron: schedule.cron, timezone: schedule.timezone }
}
