/**
 * A schedule as the calendars of a Temporal Schedule. They cover every due time and a few instants more (repeated
 * hours, days of a clock change), which the plan of a rotation then finds not to be due. Never fewer: what Temporal
 * does not fire would only be found by the reconciler, late.
 */
import { namesEveryHour, type Schedule } from './cron.ts'
import { gapsBetween } from './time-zone.ts'

/**
 * Structurally Temporal's CalendarSpec. Lists hold scalars only: a range without its end would be read as ending at 1.
 */
export interface Calendar {
  minute: number[] | '*'
  hour: number[] | '*'
  dayOfMonth: number[] | '*'
  month: Month[] | '*'
  dayOfWeek: DayOfWeek[] | '*'
  /** Absent: on the whole minute. */
  second?: number[]
  /** Absent: every year. */
  year?: number[]
  comment: string
}

const MONTHS = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
] as const
const DAYS_OF_WEEK = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const
type Month = (typeof MONTHS)[number]
type DayOfWeek = (typeof DAYS_OF_WEEK)[number]

const YEAR = 366 * 86_400_000
/** How far ahead clock changes are looked up; a schedule that is older falls back on the reconciler. */
const HORIZON = 10 * YEAR

/** The calendars of a schedule. `now`: from when on its zone's clock changes are looked up. */
export function calendars(schedule: Schedule, now: Date = new Date()): Calendar[] {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = schedule.expression.fields
  const base = {
    minute: values(minute.values, 60),
    hour: values(hour.values, 24),
    month: named(month.values, MONTHS, 1),
    comment: schedule.cron,
  }
  // "*" is cron-parser's own notion: with both day fields restricted a day that matches either is due.
  const daysOfMonth = dayOfMonth.isWildcard ? '*' : values(dayOfMonth.values, 31)
  const daysOfWeek = dayOfWeek.isWildcard ? '*' : named(dayOfWeek.values, DAYS_OF_WEEK, 0)
  const byDay: Calendar[] =
    dayOfMonth.isWildcard || dayOfWeek.isWildcard
      ? [{ ...base, dayOfMonth: daysOfMonth, dayOfWeek: daysOfWeek }]
      : [
          { ...base, dayOfMonth: daysOfMonth, dayOfWeek: '*' },
          { ...base, dayOfMonth: '*', dayOfWeek: daysOfWeek },
        ]
  return [...byDay, ...afterGaps(schedule, now)]
}

/** The calendar, in UTC, of a single instant on a whole second. */
export function onceCalendar(once: Date): Calendar {
  return {
    second: [once.getUTCSeconds()],
    minute: [once.getUTCMinutes()],
    hour: [once.getUTCHours()],
    dayOfMonth: [once.getUTCDate()],
    month: [MONTHS[once.getUTCMonth()]!],
    year: [once.getUTCFullYear()],
    dayOfWeek: '*',
    comment: 'once',
  }
}

/** For times that the clocks skip, the times after the change at which they are due instead. */
function afterGaps(schedule: Schedule, now: Date): Calendar[] {
  if (namesEveryHour(schedule)) return []
  const { minute, hour } = schedule.expression.fields
  const byTime = new Map<string, { minute: number; hour: number; months: Set<Month>; days: Set<DayOfWeek> }>()
  for (const gap of gapsBetween(schedule.timezone, now.getTime() - YEAR, now.getTime() + HORIZON)) {
    for (let wall = gap.start; wall < gap.start + gap.size; wall += 60_000) {
      const skipped = new Date(wall)
      if (!(hour.values as readonly number[]).includes(skipped.getUTCHours())) continue
      if (!(minute.values as readonly number[]).includes(skipped.getUTCMinutes())) continue
      const shifted = new Date(wall + gap.size)
      const time = { hour: shifted.getUTCHours(), minute: shifted.getUTCMinutes() }
      const key = `${time.hour}:${time.minute}`
      const entry = byTime.get(key) ?? { ...time, months: new Set(), days: new Set() }
      entry.months.add(MONTHS[shifted.getUTCMonth()]!)
      entry.days.add(DAYS_OF_WEEK[shifted.getUTCDay()]!)
      byTime.set(key, entry)
    }
  }
  // Those that agree in all but the minute share a calendar.
  const merged = new Map<string, Calendar>()
  for (const entry of byTime.values()) {
    const key = JSON.stringify([entry.hour, [...entry.months].sort(), [...entry.days].sort()])
    const calendar = merged.get(key) ?? {
      minute: [],
      hour: [entry.hour],
      dayOfMonth: '*',
      month: [...entry.months],
      dayOfWeek: [...entry.days],
      comment: `${schedule.cron}, where the clocks skip it`,
    }
    ;(calendar.minute as number[]).push(entry.minute)
    merged.set(key, calendar)
  }
  return [...merged.values()]
}

function values(list: readonly unknown[], size: number): number[] | '*' {
  const numbers = [...new Set(list.map(Number))].sort((a, b) => a - b)
  return numbers.length === size ? '*' : numbers
}

function named<Name extends string>(
  list: readonly unknown[],
  names: readonly Name[],
  first: number,
): Name[] | '*' {
  // Sunday is both 0 and 7.
  const found = new Set(list.map((value) => names[(Number(value) - first) % names.length]!))
  return found.size === names.length ? '*' : [...found]
}
