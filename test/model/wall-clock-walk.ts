/**
 * Due times by brute force: walks every minute of some years, with what a zone's clocks show at each, and looks at it.
 * Shares nothing with model/: Intl says what the clocks show, the cron texts of the tests are read here.
 */

/** Minutes since 1970, as instants or as what clocks show. */
export type Minute = number

export interface Walk {
  /** The first minute. */
  start: Minute
  /** What the clocks show at `start`, `start + 1` and so on. */
  walls: Int32Array
  /** By time of day, in minutes: where in `walls` the clocks show it, in order. */
  byTime: number[][]
  /** Where in `walls` the clocks show what they have shown before. */
  repeated: Set<number>
  /** Where in `walls` the clocks have just skipped something, and what they showed before. */
  gaps: { index: number; before: Minute }[]
}

const MINUTE = 60_000
/** In minutes. */
const DAY = 1440
/** In minutes; what is asked of Intl at once. */
const BLOCK = 360

export function walk(zone: string, from: string, until: string): Walk {
  const [start, end] = [Date.parse(from) / MINUTE, Date.parse(until) / MINUTE]
  const clock = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  const ask = (minute: Minute) => Date.parse(`${clock.format(minute * MINUTE).replace(' ', 'T')}Z`) / MINUTE
  const walls = new Int32Array(end - start)
  for (let block = start; block < end; block += BLOCK) {
    const first = ask(block)
    // Clocks that have moved on by just as much did not change in between.
    const isPlain = ask(block + BLOCK - 1) === first + BLOCK - 1
    for (let minute = 0; minute < BLOCK; minute += 1)
      walls[block - start + minute] = isPlain ? first + minute : ask(block + minute)
  }
  return { start, walls, ...survey(walls) }
}

function survey(walls: Int32Array): Pick<Walk, 'byTime' | 'repeated' | 'gaps'> {
  const byTime = Array.from({ length: DAY }, (): number[] => [])
  const repeated = new Set<number>()
  const gaps: Walk['gaps'] = []
  let before = walls[0]! - 1
  let latest = before
  for (let index = 0; index < walls.length; index += 1) {
    const wall = walls[index]!
    byTime[wall % DAY]!.push(index)
    if (wall > before + 1) gaps.push({ index, before })
    if (wall <= latest) repeated.add(index)
    else latest = wall
    before = wall
  }
  return { byTime, repeated, gaps }
}

export interface Due {
  at: Minute
  /** Whether a change of the clocks moved it here, or shows its time twice. */
  change?: 'moved' | 'doubled'
}

/**
 * The rules, read off the clocks: due when they first show a time that the cron text names; a time that they skip
 * counts as far after the change as it would have been; a text that names every hour is due whenever they show it.
 */
export function dueMinutes({ start, walls, byTime, repeated, gaps }: Walk, cron: string): Due[] {
  const { names, everyHour } = readCron(cron)
  const due = new Map<Minute, Due>()
  const byWall = new Map<Minute, Due>()
  for (const { index, before } of everyHour ? [] : gaps) {
    for (let skipped = before + 1; skipped < walls[index]!; skipped += 1) {
      const at = start + index + skipped - before - 1
      if (names(skipped)) due.set(at, { at, change: 'moved' })
    }
  }
  for (const index of indexesOf(byTime, names)) {
    const wall = walls[index]!
    const at = start + index
    if (!names(wall)) continue
    if (everyHour || !repeated.has(index)) {
      const known = due.get(at) ?? { at }
      due.set(at, known)
      byWall.set(wall, known)
    } else {
      const doubled = byWall.get(wall)
      if (doubled) doubled.change ??= 'doubled'
    }
  }
  return [...due.values()].sort((a, b) => a.at - b.at)
}

/** The minutes at which something fires that looks at the clocks only, every time anew: what Temporal does. */
export function firedMinutes({ start, walls, byTime }: Walk, matchers: Matcher[]): Minute[] {
  const fired = new Set<Minute>()
  for (const names of matchers)
    for (const index of indexesOf(byTime, names)) if (names(walls[index]!)) fired.add(start + index)
  return [...fired].sort((a, b) => a - b)
}

function indexesOf(byTime: number[][], { isTime }: Matcher): number[] {
  return byTime.filter((_, time) => isTime[time] === 1).flat()
}

/** Whether the clocks show a named minute. */
export interface Matcher {
  (wall: Minute): boolean
  /** By time of day, in minutes: 1 where a day that is named has a named minute. */
  isTime: Uint8Array
}

export interface Fields {
  minute: Set<number>
  hour: Set<number>
  dayOfMonth: Set<number>
  month: Set<number>
  dayOfWeek: Set<number>
}

/** Whether the clocks show a minute of all these fields; `either`: one of the two day fields is enough. */
export function matcher(fields: Fields, either = false): Matcher {
  const isTime = Uint8Array.from({ length: DAY }, (_, time) =>
    Number(fields.minute.has(time % 60) && fields.hour.has(Math.floor(time / 60))),
  )
  const names = (wall: Minute): boolean => {
    if (isTime[wall % DAY] === 0) return false
    const shown = new Date(wall * MINUTE)
    const day = fields.dayOfMonth.has(shown.getUTCDate())
    const weekday = fields.dayOfWeek.has(shown.getUTCDay())
    return fields.month.has(shown.getUTCMonth() + 1) && (either ? day || weekday : day && weekday)
  }
  return Object.assign(names, { isTime })
}

function readCron(cron: string): { names: Matcher; everyHour: boolean } {
  const [minute, hour, day, month, weekday] = cron.split(' ') as [string, string, string, string, string]
  const fields: Fields = {
    minute: numbers(minute, 0, 59),
    hour: numbers(hour, 0, 23),
    dayOfMonth: numbers(day, 1, 31),
    month: numbers(month, 1, 12),
    dayOfWeek: numbers(weekday, 0, 6),
  }
  return { names: matcher(fields, day !== '*' && weekday !== '*'), everyHour: fields.hour.size === 24 }
}

function numbers(field: string, first: number, last: number): Set<number> {
  const found = new Set<number>()
  for (const item of field.split(',')) {
    const [range = '', step = '1'] = item.split('/')
    const [from, to] = range === '*' ? [first, last] : range.split('-').map(Number)
    for (let value = from!; value <= (to ?? from!); value += Number(step)) found.add(value)
  }
  return found
}
