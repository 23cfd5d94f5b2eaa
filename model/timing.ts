/**
 * When a schedule is due: at the times of a cron text in a zone, or once. Previews, ticks and late runs all ask here.
 * As cron.ts, it is for activities and not for workflows.
 */
import { isDue, nextDue, parseSchedule, previousDue } from './cron.ts'

/** One of `cron` and `once` is there. */
export interface Timing {
  cron: string | null
  once: Date | null
  /** An IANA zone; of a single instant it only says how people want to see it. */
  timezone: string
}

export interface DueTimes {
  /** The first due time after an instant. */
  next(after: Date): Date | undefined
  /** The last due time before an instant. */
  previous(before: Date): Date | undefined
  includes(instant: Date): boolean
}

/** `seed`: the environment's id, which decides where `H` falls. @throws Refusal invalid */
export function dueTimesOf({ cron, once, timezone }: Timing, seed: string): DueTimes {
  if (once) {
    return {
      next: (after) => (once > after ? once : undefined),
      previous: (before) => (once < before ? once : undefined),
      includes: (instant) => instant.getTime() === once.getTime(),
    }
  }
  const schedule = parseSchedule(cron ?? '', timezone, seed)
  return {
    next: (after) => nextDue(schedule, after),
    previous: (before) => previousDue(schedule, before),
    includes: (instant) => isDue(schedule, instant),
  }
}

/** As people name it: the cron text, or the instant. */
export function describeTiming({ cron, once }: Timing): string {
  return once ? once.toISOString() : (cron ?? '')
}
