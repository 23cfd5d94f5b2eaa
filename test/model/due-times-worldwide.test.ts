/**
 * Five years in zones that change their clocks in odd ways or changed their rules then, every minute of them: each due
 * time is served exactly once, at the instant that a walk over the clocks gives.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { calendars } from '../../model/cron-calendars.ts'
import { isDue, nextDue, parseSchedule, previousDue } from '../../model/cron.ts'
import { clockWarning } from '../../model/due-preview.ts'
import { fieldsOf } from './calendar-fields.ts'
import { dueMinutes, firedMinutes, matcher, walk, type Minute, type Walk } from './wall-clock-walk.ts'

const [FROM, UNTIL] = ['2018-01-01T00:00:00Z', '2023-01-01T00:00:00Z']
const MINUTE = 60_000
const SEED = 'environment'

const ZONES = [
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe', // half an hour
  'Pacific/Chatham', // a quarter off, at 2:45
  'America/Havana', // at midnight
  'Africa/Casablanca', // back and forth around Ramadan; another zero from 2018 on
  'America/Sao_Paulo', // at midnight; ended in 2019
  'Asia/Amman', // Thursday midnight; ended in 2022
  'America/Mexico_City', // ended in 2022
  'Antarctica/Troll', // two hours
  'Asia/Pyongyang', // half an hour forward, once, in 2018
  'Europe/Istanbul', // none
]

const CRONS = [
  '30 2 * * *',
  '15 0,3 * * 0,5,6',
  '45 1-3 * * 0',
  '0 0 * * 4-6',
  '30 0 13 * 5',
  '59 23 1,31 * *',
  '10 2 29 2 *',
]
/** Follows the passing of time. Many, so not for all. */
const EVERY_HOUR = '30 * * * 0'

/** What the walks came across. */
const seen = { moved: 0, doubled: 0 }

describe.each(ZONES)('%s', (zone) => {
  let clocks: Walk
  beforeAll(() => {
    clocks = walk(zone, FROM, UNTIL)
    for (const { change } of dueMinutes(clocks, '15,45 0-3 * * *')) if (change) seen[change] += 1
  })

  const [start, end] = [Date.parse(FROM) / MINUTE, Date.parse(UNTIL) / MINUTE]

  const followsTime = zone === 'Australia/Lord_Howe' || zone === 'America/Havana'

  it.each(followsTime ? [...CRONS, EVERY_HOUR] : CRONS)('%s', (cron) => {
    const schedule = parseSchedule(cron, zone, SEED)
    const expected = dueMinutes(clocks, cron).filter(({ at }) => at > start && at < end)
    expect(expected.length).toBeGreaterThan(0)

    const found: Minute[] = []
    for (let at = nextDue(schedule, new Date(FROM)); at && at < new Date(UNTIL); at = nextDue(schedule, at))
      found.push(at.getTime() / MINUTE)
    expect(difference(found, expected)).toEqual([])

    // What Temporal fires, of which the plan serves what is due and not served yet.
    const matches = calendars(schedule, new Date(FROM)).map((calendar) => matcher(fieldsOf(calendar)))
    const served = firedMinutes(clocks, matches).filter(
      (at) => at > start && isDue(schedule, new Date(at * MINUTE)),
    )
    expect(difference(served, expected)).toEqual([])

    for (const [index, { at, change }] of expected.entries()) {
      const warning = clockWarning(schedule, new Date(at * MINUTE))
      const told = warning === undefined ? undefined : /twice/.test(warning) ? 'doubled' : 'moved'
      if (told !== change) expect([iso(at), warning]).toEqual([iso(at), change])
      // What a late run looks for; near changes always, else now and then.
      const isNear = expected.slice(Math.max(0, index - 4), index + 4).some((due) => due.change)
      const before = expected[index - 1]
      if (before && (isNear || index % 10 === 0))
        expect(previousDue(schedule, new Date(at * MINUTE))?.toISOString()).toBe(iso(before.at))
    }
  })
})

it('the walks came across what they are there for', () => {
  expect(seen.moved).toBeGreaterThan(90)
  expect(seen.doubled).toBeGreaterThan(90)
})

/** In words: instants that one has and the other has not, or has twice. */
function difference(found: Minute[], expected: { at: Minute }[]): string[] {
  const times = new Set(expected.map(({ at }) => at))
  const seen = new Set<Minute>()
  const wrong: string[] = []
  for (const at of found) {
    if (!times.has(at)) wrong.push(`${iso(at)} is not due`)
    if (seen.has(at)) wrong.push(`${iso(at)} twice`)
    seen.add(at)
  }
  for (const at of times) if (!seen.has(at)) wrong.push(`${iso(at)} never`)
  return wrong
}

const iso = (at: Minute) => new Date(at * MINUTE).toISOString()
