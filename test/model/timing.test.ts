/** Instants as people write them, schedules that are due once, and previews in words. */
import { describe, expect, it } from 'vitest'
import { previewDueTimes } from '../../model/due-preview.ts'
import { parseInstant } from '../../model/instant.ts'
import { Refusal } from '../../model/refusal.ts'
import { dueTimesOf } from '../../model/timing.ts'

const at = (text: string) => new Date(text)

describe('an instant', () => {
  it.each([
    ['2030-01-31T03:00:00Z', '2030-01-31T03:00:00.000Z'],
    ['2030-01-31t03:00:00z', '2030-01-31T03:00:00.000Z'],
    [' 2030-01-31 03:00:00+01:00 ', '2030-01-31T02:00:00.000Z'],
    ['2029-12-31T23:30:00-05:45', '2030-01-01T05:15:00.000Z'],
    ['2032-02-29T12:00:00.000Z', '2032-02-29T12:00:00.000Z'],
    ['2030-01-31T03:00:59.001Z', '2030-01-31T03:01:00.000Z'],
  ])('%j', (text, expected) => {
    expect(parseInstant(text).toISOString()).toBe(expected)
  })

  it.each([
    '',
    'now',
    '2030-01-31',
    '2030-01-31T03:00Z',
    '2030-01-31T03:00:00',
    '1900000000',
    '2030-02-29T00:00:00Z',
    '2030-13-01T00:00:00Z',
    '2030-01-31T24:00:00Z',
    '2030-01-31T23:60:00Z',
    '2030-01-31T23:59:60Z',
    '2030-01-31T00:00:00+24:00',
    '2100-01-01T00:00:00Z',
    '+012030-01-31T03:00:00Z',
  ])('not %j', (text) => {
    expect(() => parseInstant(text)).toThrow(Refusal)
  })
})

it('what is due once is due then and never else', () => {
  const once = at('2030-01-31T03:00:00Z')
  const times = dueTimesOf({ cron: null, once, timezone: 'UTC' }, 'seed')
  expect(times.next(at('2020-01-01'))).toEqual(once)
  expect(times.next(once)).toBeUndefined()
  expect(times.previous(at('2031-01-01'))).toEqual(once)
  expect(times.previous(once)).toBeUndefined()
  expect(times.includes(once)).toBe(true)
  expect(times.includes(at('2030-01-31T03:01:00Z'))).toBe(false)
})

describe('a preview', () => {
  const preview = (cron: string, timezone: string, after: string, count: number) =>
    previewDueTimes({ cron, once: null, timezone }, 'seed', at(after), count).map(
      ({ at: time, local, warning }) => [time.toISOString().slice(0, 16), local, warning],
    )

  it('says where the clocks skip a due time', () => {
    expect(preview('30 2 * * *', 'America/New_York', '2027-03-13T12:00:00Z', 2)).toEqual([
      [
        '2027-03-14T07:30',
        '2027-03-14T03:30:00-04:00',
        'the clocks skip 02:30 on this day: due at 03:30 instead',
      ],
      ['2027-03-15T06:30', '2027-03-15T02:30:00-04:00', undefined],
    ])
  })

  it('says where two due times fall together', () => {
    expect(preview('30 2,3 * * *', 'America/New_York', '2027-03-13T12:00:00Z', 2)).toEqual([
      [
        '2027-03-14T07:30',
        '2027-03-14T03:30:00-04:00',
        'the clocks skip 02:30 on this day: it is due together with 03:30',
      ],
      ['2027-03-15T06:30', '2027-03-15T02:30:00-04:00', undefined],
    ])
  })

  it('says where the clocks show a due time twice', () => {
    expect(preview('45 1 * * *', 'Australia/Lord_Howe', '2027-04-02T12:00:00Z', 2)).toEqual([
      ['2027-04-02T14:45', '2027-04-03T01:45:00+11:00', undefined],
      [
        '2027-04-03T14:45',
        '2027-04-04T01:45:00+11:00',
        'the clocks show 01:45 twice on this day: due the first time only',
      ],
    ])
  })

  it('says nothing where every hour is named: neither is moved nor left out', () => {
    expect(preview('0 * * * *', 'America/New_York', '2027-11-07T04:30:00Z', 3)).toEqual([
      ['2027-11-07T05:00', '2027-11-07T01:00:00-04:00', undefined],
      ['2027-11-07T06:00', '2027-11-07T01:00:00-05:00', undefined],
      ['2027-11-07T07:00', '2027-11-07T02:00:00-05:00', undefined],
    ])
  })

  it('of a single instant shows it on the clocks of the zone', () => {
    const timing = { cron: null, once: at('2027-03-14T07:30:00Z'), timezone: 'Asia/Kathmandu' }
    expect(previewDueTimes(timing, 'seed', at('2027-01-01'), 10)).toEqual([
      { at: timing.once, local: '2027-03-14T13:15:00+05:45' },
    ])
    expect(previewDueTimes(timing, 'seed', timing.once, 10)).toEqual([])
  })
})
