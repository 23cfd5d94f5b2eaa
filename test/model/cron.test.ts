/** Due times against cron-parser in the zone itself, and calendars against every due time of several years. */
import { CronExpressionParser } from 'cron-parser'
import { describe, expect, it } from 'vitest'
import { calendars, type Calendar } from '../../model/cron-calendars.ts'
import { isDue, nextDue, nextDues, parseSchedule, previousDue, smallestInterval } from '../../model/cron.ts'
import { Refusal } from '../../model/refusal.ts'
import { findTimeZone } from '../../model/time-zone.ts'

const SEED = '7a9a8f5e-2f5c-4f35-9d1c-0f4a3a1f2b10'
const HOUR = 3_600_000
const at = (text: string) => new Date(text)
const isoAfter = (cron: string, zone: string, after: string, count: number) =>
  nextDues(parseSchedule(cron, zone, SEED), at(after), count).map((time) => time.toISOString())

describe('what is no schedule', () => {
  it.each([
    ['', /empty.*5 fields/],
    ['   ', /empty/],
    ['* * * *', /exactly 5 fields.*has 4/],
    ['0 0 3 * * *', /exactly 5 fields.*has 6/],
    ['0 0 3 * * * *', /exactly 5 fields/],
    ['0 0 31 2 *', /never fires/],
    ['0 0 30 2 *', /never fires/],
    ['0 0 31 4,6,9,11 *', /never fires/],
    ['60 * * * *', /60/],
    ['0 24 * * *', /24/],
    ['0 0 * * MONDAY', /not a schedule/],
    ['every day', /5 fields/],
    ['0 0 * * 1#2', /"#"/],
    ['0 0 L * *', /"L"/],
    ['0 0 * * 5L', /"L"/],
    ['0 0 15W * *', /"W"/],
    ['0 0 ? * 1', /"\?"/],
    ['0 0 */2 * 1', /day fields/],
    ['0 0 1 * */2', /day fields/],
    ['*/90 * * * *', /step of 90/],
    ['@minutely', /@daily/],
    ['@every 1h', /@daily/],
    ['0 0 * * 0,7', /duplicate/],
    ['HH 3 * * *', /"HH" in the field minute: H is written as H, H\/15/],
    ['5H 3 * * *', /"5H"/],
    ['H-5 3 * * *', /"H-5"/],
    ['*/H 3 * * *', /"\*\/H"/],
    ['0 h * * *', /"h" in the field hour/],
    ['H() 3 * * *', /"H\(\)"/],
    ['H/0 3 * * *', /"H\/0"/],
    ['H(30-10) 3 * * *', /from 0 to 59/],
    ['H(0-99) 3 * * *', /from 0 to 59/],
    ['0 0 H(0-31) * *', /from 1 to 31/],
    ['0 0 H(30-31) 2 *', /never fires/],
    ['@H', /@daily/],
    [`${'0,'.repeat(300)}1 3 * * *`, /^"(0,){50}…" is not a schedule: it is longer than 500/],
  ])('%j', (cron, words) => {
    const attempt = () => parseSchedule(cron, 'UTC', SEED)
    expect(attempt).toThrow(Refusal)
    expect(attempt).toThrow(words)
  })

  it.each(['Nowhere/Zone', '', '+02:00', 'Local', 'Europe/../Berlin', 'Europe/Berlin '])(
    'the zone %j',
    (zone) => {
      expect(() => parseSchedule('0 3 * * *', zone, SEED)).toThrow(/time zone/)
    },
  )
})

it('spells zones as tz databases do and keeps aliases', () => {
  expect(findTimeZone('utc')).toBe('UTC')
  expect(findTimeZone('america/new_york')).toBe('America/New_York')
  expect(findTimeZone('Asia/Kolkata')).toBe('Asia/Kolkata')
})

describe('what is a schedule', () => {
  it.each(['@daily', '@weekly', '@monthly', '@yearly', '@hourly', '0 0 * JUL WED', '0 0 1-31/2 * MON'])(
    '%j',
    (cron) => {
      expect(nextDue(parseSchedule(cron, 'UTC', SEED), at('2027-01-01T00:00:00Z'))).toBeInstanceOf(Date)
    },
  )

  it('spreads H by environment and keeps it there', () => {
    const first = isoAfter('H H * * *', 'UTC', '2027-01-01T00:00:00Z', 3)
    expect(isoAfter('H H * * *', 'UTC', '2027-01-01T00:00:00Z', 3)).toEqual(first)
    const seeds = Array.from({ length: 40 }, (_, index) => `environment-${index}`)
    const times = seeds.map((seed) =>
      nextDue(parseSchedule('H H * * *', 'UTC', seed), at('2027-01-01'))!.getTime(),
    )
    expect(new Set(times).size).toBeGreaterThan(30)
  })

  it('spreads H over days that every month has, and over each day of the week once', () => {
    const seeds = Array.from({ length: 300 }, (_, index) => `environment-${index}`)
    const days = seeds.map(
      (seed) => parseSchedule('H H H * *', 'UTC', seed).expression.fields.dayOfMonth.values,
    )
    expect(new Set(days.flat()).size).toBe(28)
    expect(Math.max(...days.flat().map(Number))).toBe(28)
    const weekdays = seeds.map(
      (seed) => parseSchedule('H H * * H', 'UTC', seed).expression.fields.dayOfWeek.values,
    )
    expect([...new Set(weekdays.flat())].map(Number).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it.each([
    ['H(0-29)/10 3 * * *', 3],
    ['H/15 3 * * *', 4],
    ['5,H(30-40) 3 * * *', 2],
  ])('%s is due %i times a day', (cron, count) => {
    const schedule = parseSchedule(cron, 'UTC', SEED)
    const times = nextDues(schedule, at('2027-01-01T00:00:00Z'), count + 1)
    expect(times.at(-1)!.getTime() - times[0]!.getTime()).toBe(24 * HOUR)
  })

  it('takes either day where both day fields are restricted', () => {
    expect(isoAfter('0 0 13 * 5', 'UTC', '2027-01-01T00:00:00Z', 4)).toEqual([
      '2027-01-08T00:00:00.000Z',
      '2027-01-13T00:00:00.000Z',
      '2027-01-15T00:00:00.000Z',
      '2027-01-22T00:00:00.000Z',
    ])
  })

  it('finds the next 29 February past a century that has none', () => {
    expect(isoAfter('0 0 29 2 *', 'UTC', '2097-01-01T00:00:00Z', 1)).toEqual(['2104-02-29T00:00:00.000Z'])
  })
})

describe('clock changes', () => {
  it('reads a skipped time as the shifted one', () => {
    expect(isoAfter('30 2 * * *', 'America/New_York', '2027-03-13T12:00:00Z', 2)).toEqual([
      '2027-03-14T07:30:00.000Z',
      '2027-03-15T06:30:00.000Z',
    ])
    expect(isDue(parseSchedule('30 2 * * *', 'America/New_York', SEED), at('2027-03-14T07:30:00Z'))).toBe(
      true,
    )
  })

  it('is due once where a time repeats, also when asked in between', () => {
    const schedule = parseSchedule('30 1 * * *', 'America/New_York', SEED)
    expect(isDue(schedule, at('2027-11-07T05:30:00Z'))).toBe(true)
    expect(isDue(schedule, at('2027-11-07T06:30:00Z'))).toBe(false)
    expect(nextDue(schedule, at('2027-11-07T06:10:00Z'))?.toISOString()).toBe('2027-11-08T06:30:00.000Z')
    expect(previousDue(schedule, at('2027-11-07T07:00:00Z'))?.toISOString()).toBe('2027-11-07T05:30:00.000Z')
  })

  it('counts both hours where every hour is named', () => {
    expect(isoAfter('0 * * * *', 'America/New_York', '2027-11-07T04:30:00Z', 4)).toEqual([
      '2027-11-07T05:00:00.000Z',
      '2027-11-07T06:00:00.000Z',
      '2027-11-07T07:00:00.000Z',
      '2027-11-07T08:00:00.000Z',
    ])
  })

  it('loses no day on Lord Howe, where the change is half an hour', () => {
    expect(isoAfter('15 2 * * *', 'Australia/Lord_Howe', '2026-10-02T00:00:00Z', 3)).toEqual([
      '2026-10-02T15:45:00.000Z',
      '2026-10-03T15:45:00.000Z',
      '2026-10-04T15:15:00.000Z',
    ])
    const schedule = parseSchedule('15 2 * * *', 'Australia/Lord_Howe', SEED)
    expect(previousDue(schedule, at('2026-10-04T00:00:00Z'))?.toISOString()).toBe('2026-10-03T15:45:00.000Z')
  })
})

const CRONS = [
  '30 2 * * *',
  '0 0 * * *',
  '15,45 1-3 * * *',
  '30 1 * * 0',
  '*/20 * * * *',
  '59 23 1 * *',
  '0 */6 * * *',
]
const ZONES = ['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kathmandu']
/** Shortly before each clock change of 2027 in those zones. */
const STARTS = [
  '2027-03-12T12:00:00Z',
  '2027-03-26T12:00:00Z',
  '2027-10-29T12:00:00Z',
  '2027-11-05T12:00:00Z',
]

describe.each(ZONES)('%s', (zone) => {
  it.each(CRONS)('%s has the due times of cron-parser, forwards and backwards', (cron) => {
    const schedule = parseSchedule(cron, zone, SEED)
    const judge = CronExpressionParser.parse(cron, { tz: zone, currentDate: new Date() })
    for (const start of STARTS) {
      judge.reset(at(start))
      let here = at(start)
      for (let index = 0; index < (cron.startsWith('*/20') ? 220 : 30); index += 1) {
        const expected = judge.next().toDate()
        const found = nextDue(schedule, here)!
        expect(found.toISOString()).toBe(expected.toISOString())
        if (index > 0) expect(previousDue(schedule, found)!.getTime()).toBe(here.getTime())
        here = found
      }
    }
  })
})

describe('the smallest interval', () => {
  it.each([
    ['0 3 * * *', 24 * HOUR],
    ['@hourly', HOUR],
    ['* * * * *', 60_000],
    ['*/50 * * * *', 10 * 60_000],
    ['0 0,23 * * *', HOUR],
    ['0,59 0,23 * * *', 60_000],
    ['0 0 28,1 * *', 24 * HOUR],
    ['0 0 1 1 *', 365 * 24 * HOUR],
    ['0 0 29 2 *', 1461 * 24 * HOUR],
  ])('of %s', (cron, interval) => {
    expect(smallestInterval(parseSchedule(cron, 'America/New_York', SEED))).toBe(interval)
  })
})

describe('calendars', () => {
  it.each([...ZONES, 'Australia/Lord_Howe', 'America/Scoresbysund', 'Antarctica/Troll', 'Africa/Casablanca'])(
    'cover every due time in %s',
    (zone) => {
      for (const cron of [
        ...CRONS.filter((text) => !text.startsWith('*/20')),
        '30 2 13 * 5',
        '15,45 23 * * *',
        '15 2 * * SUN',
      ]) {
        const schedule = parseSchedule(cron, zone, SEED)
        const specs = calendars(schedule, at('2026-01-01T00:00:00Z'))
        const parts = new Intl.DateTimeFormat('en-US', {
          timeZone: zone,
          dateStyle: 'full',
          timeStyle: 'long',
          hourCycle: 'h23',
        })
        for (const time of nextDues(schedule, at('2026-02-01T00:00:00Z'), 450)) {
          expect(
            specs.some((spec) => matches(spec, parts, time)),
            `${cron} at ${time.toISOString()}`,
          ).toBe(true)
        }
      }
    },
  )

  it('hold scalars only and say every value where nothing is restricted', () => {
    expect(calendars(parseSchedule('30 2 * * 1-5', 'UTC', SEED))).toEqual([
      {
        minute: [30],
        hour: [2],
        dayOfMonth: '*',
        month: '*',
        dayOfWeek: ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'],
        comment: '30 2 * * 1-5',
      },
    ])
  })

  it('add little: the hour after a gap, in the month and on the weekday of the change', () => {
    const extra = calendars(parseSchedule('30 2 * * *', 'America/New_York', SEED), at('2027-01-01T00:00:00Z'))
    expect(extra).toHaveLength(2)
    expect(extra[1]).toMatchObject({ minute: [30], hour: [3], month: ['MARCH'], dayOfWeek: ['SUNDAY'] })
  })
})

/** Temporal's own reading of a calendar: every field has to match the clock on the wall. */
function matches(spec: Calendar, format: Intl.DateTimeFormat, time: Date): boolean {
  const part = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]))
  const has = (list: readonly (string | number)[] | '*', value: string | number) =>
    list === '*' || list.includes(value)
  return (
    has(spec.minute, Number(part['minute'])) &&
    has(spec.hour, Number(part['hour'])) &&
    has(spec.dayOfMonth, Number(part['day'])) &&
    has(spec.month, part['month']!.toUpperCase()) &&
    has(spec.dayOfWeek, part['weekday']!.toUpperCase())
  )
}
