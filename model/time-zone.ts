/** Wall-clock time and instants of an IANA zone. Knows nothing of schedules; never uses the machine's own zone. */

/** A wall-clock time, written as the milliseconds that its fields would be in UTC. */
export type WallTime = number

const DAY = 86_400_000
const QUARTER = 900_000
const formatters = new Map<string, Intl.DateTimeFormat>()
/** By what was written, of zones that there are. */
const spellings = new Map<string, string>()
/** By zone: offsets at quarters of an hour, the grid on which zones change them; asking Intl is slow. */
const offsets = new Map<string, Map<number, number>>()

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone)
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formatters.set(zone, formatter)
  }
  return formatter
}

/**
 * The zone's name as tz databases spell it (`utc` → `UTC`), undefined when there is no such zone. Offsets such as
 * `+02:00` are no zones: they would not follow daylight saving, and not every party takes them.
 */
export function findTimeZone(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return undefined
  const known = spellings.get(name)
  if (known !== undefined) return known
  try {
    const resolved = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone
    // An alias resolves to another name; what people wrote stays when its capitals are those of a tz database.
    const wellSpelled = name.includes('/') && /^([A-Z][A-Za-z0-9_+-]*[a-z0-9][A-Za-z0-9_+-]*\/?)+$/.test(name)
    const spelled = wellSpelled && name.toLowerCase() !== resolved.toLowerCase() ? name : resolved
    // Anybody may write capitals as he likes: those variants are too many to keep.
    if (spelled === name) spellings.set(name, spelled)
    return spelled
  } catch {
    return undefined
  }
}

/** What has to be added to an instant to get the zone's wall-clock time there, in milliseconds. */
export function offsetAt(zone: string, instant: number): number {
  const day = Math.floor(instant / DAY) * DAY
  // No zone changes its clocks twice between midnight and midnight of UTC, so that most days need no look inside.
  const before = quarterOffset(zone, day)
  if (before === quarterOffset(zone, day + DAY)) return before
  return quarterOffset(zone, Math.floor(instant / QUARTER) * QUARTER)
}

function quarterOffset(zone: string, quarter: number): number {
  let known = offsets.get(zone)
  if (!known || known.size > 20_000) offsets.set(zone, (known = new Map<number, number>()))
  const found = known.get(quarter)
  if (found !== undefined) return found
  const fields = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 }
  for (const part of formatterOf(zone).formatToParts(quarter)) {
    if (part.type in fields) fields[part.type as keyof typeof fields] = Number(part.value)
  }
  const { year, month, day, hour, minute, second } = fields
  const offset = Date.UTC(year, month - 1, day, hour, minute, second) - quarter
  known.set(quarter, offset)
  return offset
}

/** What the zone's clocks show at an instant, with their offset: `2027-03-14T03:30:00-04:00`. */
export function formatLocal(zone: string, instant: number): string {
  const offset = offsetAt(zone, instant)
  const wall = new Date(instant + offset).toISOString().slice(0, 19)
  return `${wall}${offset < 0 ? '-' : '+'}${new Date(Math.abs(offset)).toISOString().slice(11, 16)}`
}

/** True when no clock change is within half a day of the instant. */
export function isCalm(zone: string, instant: number): boolean {
  return offsetAt(zone, instant - DAY / 2) === offsetAt(zone, instant + DAY / 2)
}

/** The instants at which the zone's clocks show a time: one, two where it repeats, none where it is skipped. */
export function instantsOf(zone: string, wall: WallTime): number[] {
  const around = new Set([offsetAt(zone, wall - DAY), offsetAt(zone, wall + DAY)])
  return [...around]
    .filter((offset) => offsetAt(zone, wall - offset) === offset)
    .map((offset) => wall - offset)
    .sort((a, b) => a - b)
}

/** The instant that a skipped time is read as: as far after the change as it would have been, had there been none. */
export function shiftedInstantOf(zone: string, wall: WallTime): number {
  return wall - offsetAt(zone, wall - DAY)
}

/** Wall-clock times that a zone skips: from `start` on, `size` milliseconds. */
export interface Gap {
  start: WallTime
  size: number
}

/** The gaps that begin within a span of instants, in order. */
export function gapsBetween(zone: string, from: number, until: number): Gap[] {
  const gaps: Gap[] = []
  for (let low = Math.floor(from / DAY) * DAY; low < until; low += DAY) {
    const before = offsetAt(zone, low)
    const after = offsetAt(zone, low + DAY)
    if (after <= before) continue
    let [early, late] = [low, low + DAY]
    while (late - early > QUARTER) {
      const middle = early + Math.ceil((late - early) / QUARTER / 2) * QUARTER
      if (offsetAt(zone, middle) === before) early = middle
      else late = middle
    }
    gaps.push({ start: late + before, size: after - before })
  }
  return gaps
}
