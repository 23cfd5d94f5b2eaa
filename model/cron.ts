/**
 * Cron text → due times. cron-parser says which wall-clock minutes a text names; this file says which texts are taken
 * at all and at which instants those minutes are. No workflow may import it: due times are decided in activities.
 *
 * cron-parser is asked in UTC only. In a zone its `prev()` and `includesDate()` disagree with its `next()` around
 * clock changes, and a change of half an hour makes it lose a day; the rules here are those that its `next()` keeps
 * for the common changes: a time that the clocks skip is read as the shifted one, one that they repeat is due once,
 * the first time. A schedule that names every hour keeps to the passing of time instead: nothing is shifted, repeated
 * hours count twice.
 */
import { CronExpressionParser, type CronExpression } from 'cron-parser'
import { Refusal } from './refusal.ts'
import { findTimeZone, instantsOf, isCalm, offsetAt, shiftedInstantOf, type WallTime } from './time-zone.ts'

/** A schedule that has been read; nobody but this file looks inside `expression`. */
export interface Schedule {
  /** As people wrote it. */
  cron: string
  /** An IANA zone. */
  timezone: string
  expression: CronExpression
}

const MACROS = ['@daily', '@weekly', '@monthly', '@yearly', '@hourly']
const FIELDS = [
  { name: 'minute', first: 0, size: 60 },
  { name: 'hour', first: 0, size: 24 },
  { name: 'day of month', first: 1, size: 31 },
  { name: 'month', first: 1, size: 12 },
  { name: 'day of week', first: 0, size: 7 },
]
const NAMES = /jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat/gi
/** In characters; every value of every field fits, written out. */
const LONGEST = 500
/** The largest change of clocks that any zone makes, with room. */
const MARGIN = 4 * 3_600_000

/**
 * Reads a schedule. `seed` decides where `H` falls: the environment's id, so that schedules spread and stay put.
 * @throws Refusal invalid
 */
export function parseSchedule(cron: string, timezone: string, seed: string): Schedule {
  const text = cron.trim()
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text
  const fail = (why: string): never => {
    throw new Refusal(
      'invalid',
      text === '' ? `the cron text is empty: ${why}` : `"${shown}" is not a schedule: ${why}`,
    )
  }
  if (text.length > LONGEST) fail(`it is longer than ${LONGEST} characters`)
  if (!MACROS.includes(text)) checkFields(text, fail)
  const zone = findTimeZone(timezone)
  if (zone === undefined) {
    throw new Refusal(
      'invalid',
      `there is no time zone "${timezone}"; write an IANA name such as Europe/Berlin or UTC`,
    )
  }
  let expression: CronExpression
  try {
    expression = CronExpressionParser.parse(spreadEvenly(text), {
      tz: 'UTC',
      hashSeed: seed,
      currentDate: new Date(),
    })
  } catch (error) {
    const reason = (error as Error).message
    return fail(
      reason === 'Invalid explicit day of month definition'
        ? 'it never fires, no month it names has such a day'
        : reason.replace(/^Constraint error, /, ''),
    )
  }
  try {
    expression.next()
  } catch {
    fail('it never fires')
  }
  return { cron: text, timezone: zone, expression }
}

function checkFields(text: string, fail: (why: string) => never): void {
  if (text.startsWith('@')) fail(`of the @ words only ${MACROS.join(', ')} are understood`)
  const fields = text.split(/\s+/).filter((field) => field !== '')
  if (fields.length !== 5) {
    fail(
      `it needs exactly 5 fields (minute, hour, day of month, month, day of week), as in "0 3 * * *"` +
        (fields.length > 0 ? `, and has ${fields.length}` : ''),
    )
  }
  for (const [index, field] of fields.entries()) {
    const { name, size } = FIELDS[index]!
    const stranger = /[#?]|[lw]/i.exec(field.replaceAll(NAMES, ''))
    if (stranger) fail(`"${stranger[0]}" in the field ${name} is not supported`)
    for (const [, step] of field.matchAll(/\/(\d+)/g)) {
      if (Number(step) > size) fail(`a step of ${step} is wider than the whole field ${name}`)
    }
  }
  checkSpread(fields, fail)
  // Programs disagree about these: some mean either day, some both. Nobody should have to find out.
  const [dayOfMonth, dayOfWeek] = [fields[2]!, fields[4]!]
  if (
    (dayOfMonth.startsWith('*/') && dayOfWeek !== '*') ||
    (dayOfWeek.startsWith('*/') && dayOfMonth !== '*')
  ) {
    fail('a "*/n" in one of the day fields cannot be combined with a restriction in the other')
  }
}

/** `H` is one value of a field, or one in each step, and nothing that could be counted with. */
function checkSpread(fields: string[], fail: (why: string) => never): void {
  for (const [index, field] of fields.entries()) {
    const { name, first, size } = FIELDS[index]!
    for (const item of field.replaceAll(NAMES, '').split(',')) {
      if (!/h/i.test(item)) continue
      const [, from, to] =
        /^H(?:\((\d+)-(\d+)\))?(?:\/[1-9]\d*)?$/.exec(item) ??
        fail(`"${item}" in the field ${name}: H is written as H, H/15, H(0-29) or H(0-29)/10`)
      if (from === undefined || to === undefined) continue
      const last = first + size - 1
      if (Number(from) > Number(to) || Number(from) < first || Number(to) > last)
        fail(`"${item}": a range in the field ${name} goes from ${first} to ${last} at most`)
    }
  }
}

/** A spread day of the month is one that every month has, else some environments would skip months; Sunday counts once. */
function spreadEvenly(text: string): string {
  const fields = text.split(/\s+/)
  if (fields.length !== 5) return text
  fields[2] = fields[2]!.replaceAll(/(^|,)H(?=,|\/|$)/g, '$1H(1-28)')
  fields[4] = fields[4]!.replaceAll(/(^|,)H(?=,|\/|$)/g, '$1H(0-6)')
  return fields.join(' ')
}

/** The first due time after an instant, or undefined when there is none within cron-parser's horizon. */
export function nextDue(schedule: Schedule, after: Date): Date | undefined {
  return findDue(schedule, after.getTime(), 1)
}

/** The last due time before an instant. */
export function previousDue(schedule: Schedule, before: Date): Date | undefined {
  return findDue(schedule, before.getTime(), -1)
}

/** Whether an instant is a due time. */
export function isDue(schedule: Schedule, instant: Date): boolean {
  return nextDue(schedule, new Date(instant.getTime() - 1))?.getTime() === instant.getTime()
}

/** The next due times after an instant, at most `count`. */
export function nextDues(schedule: Schedule, after: Date, count: number): Date[] {
  const times: Date[] = []
  for (let at = nextDue(schedule, after); at && times.length < count; at = nextDue(schedule, at))
    times.push(at)
  return times
}

/**
 * The smallest time between two neighbours among the due times of two years (one of them a leap year), in
 * milliseconds and as the clocks on the wall show it: clock changes do not count. Looks at 1500 due times at most.
 */
export function smallestInterval(schedule: Schedule): number {
  const { expression } = schedule
  const start = Date.UTC(2027, 11, 31)
  expression.reset(new Date(start))
  let smallest = Infinity
  let last: number | undefined
  for (let count = 0; count < 1500; count += 1) {
    const wall = step(expression, 1)
    if (wall === undefined) break
    if (last !== undefined) smallest = Math.min(smallest, wall - last)
    if (smallest <= 60_000 || wall > start + 731 * 86_400_000) break
    last = wall
  }
  return smallest
}

/** Whether the schedule names every hour, so that it counts the passing of time and not the hands of a clock. */
export function namesEveryHour(schedule: Schedule): boolean {
  return schedule.expression.fields.hour.values.length === 24
}

/** Whether the cron text names a wall-clock minute, be it shown by the clocks of the zone or not. */
export function namesWallTime({ expression }: Schedule, wall: WallTime): boolean {
  expression.reset(new Date(wall - 1))
  return step(expression, 1) === wall
}

function findDue(schedule: Schedule, from: number, direction: 1 | -1): Date | undefined {
  const { expression, timezone } = schedule
  // Around a clock change wall-clock order is not the order of time, so look from further back and further on.
  const back = isCalm(timezone, from) ? 0 : MARGIN
  expression.reset(new Date(from + offsetAt(timezone, from) - direction * back))
  let best: number | undefined
  let limit: number | undefined
  for (;;) {
    const wall = step(expression, direction)
    if (wall === undefined) break
    if (limit !== undefined && (wall - limit) * direction > 0) break
    for (const instant of dueInstants(schedule, wall)) {
      if ((instant - from) * direction <= 0) continue
      if (best === undefined || (instant - best) * direction < 0) best = instant
    }
    if (best !== undefined && limit === undefined) {
      if (isCalm(timezone, best)) break
      limit = wall + direction * MARGIN
    }
  }
  return best === undefined ? undefined : new Date(best)
}

function dueInstants(schedule: Schedule, wall: number): number[] {
  const instants = instantsOf(schedule.timezone, wall)
  if (namesEveryHour(schedule)) return instants
  return [instants[0] ?? shiftedInstantOf(schedule.timezone, wall)]
}

function step(expression: CronExpression, direction: 1 | -1): number | undefined {
  try {
    return (direction === 1 ? expression.next() : expression.prev()).getTime()
  } catch {
    return undefined
  }
}
