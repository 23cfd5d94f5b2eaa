/** The next due times as people want to see them: in UTC, on the clocks of the zone, with a word where those change. */
import { namesEveryHour, namesWallTime, parseSchedule, type Schedule } from './cron.ts'
import { formatLocal, instantsOf, offsetAt, shiftedInstantOf } from './time-zone.ts'
import { dueTimesOf, type Timing } from './timing.ts'

export interface DueTimePreview {
  at: Date
  /** What the zone's clocks show, with their offset: `2027-03-14T03:30:00-04:00`. */
  local: string
  /** Set where a change of the clocks moves this due time, or would have made it two. */
  warning?: string
}

const DAY = 86_400_000

/** The due times after an instant, at most `count`. @throws Refusal invalid */
export function previewDueTimes(timing: Timing, seed: string, after: Date, count: number): DueTimePreview[] {
  const times = dueTimesOf(timing, seed)
  const schedule = timing.once ? undefined : parseSchedule(timing.cron ?? '', timing.timezone, seed)
  const preview: DueTimePreview[] = []
  for (let at = times.next(after); at && preview.length < count; at = times.next(at)) {
    const warning = schedule && clockWarning(schedule, at)
    preview.push({ at, local: formatLocal(timing.timezone, at.getTime()), ...(warning && { warning }) })
  }
  return preview
}

/** What a change of the clocks does to a due time, in words; undefined where it does nothing. */
export function clockWarning(schedule: Schedule, due: Date): string | undefined {
  // Such a schedule follows the passing of time: no change moves or doubles anything.
  if (namesEveryHour(schedule)) return undefined
  const zone = schedule.timezone
  const instant = due.getTime()
  const wall = instant + offsetAt(zone, instant)
  const unchanged = instant + offsetAt(zone, instant - DAY)
  const isMoved =
    unchanged !== wall &&
    instantsOf(zone, unchanged).length === 0 &&
    shiftedInstantOf(zone, unchanged) === instant &&
    namesWallTime(schedule, unchanged)
  if (isMoved) {
    return namesWallTime(schedule, wall)
      ? `the clocks skip ${clock(unchanged)} on this day: it is due together with ${clock(wall)}`
      : `the clocks skip ${clock(unchanged)} on this day: due at ${clock(wall)} instead`
  }
  if (instantsOf(zone, wall).length > 1) {
    return `the clocks show ${clock(wall)} twice on this day: due the first time only`
  }
  return undefined
}

function clock(wall: number): string {
  return new Date(wall).toISOString().slice(11, 16)
}
