/** One schedule as the API tells it, found without its id where there is only one, and shown to people. */
import type { Api } from './api.ts'
import type { Context } from './context.ts'
import { Failure } from './failure.ts'
import { localTime, print, printJson, printTable } from './output.ts'

export interface Schedule {
  id: string
  paused: boolean
  /** One of these two. */
  scheduleCron?: string
  scheduleOnce?: string
  /** Due once, and nothing will come of it any more. */
  ended?: boolean
  timezone: string
  owner: string
  lastExecuted: string
  nextExecution: string
  nextDueTimes: { utc: string; local: string; warning?: string }[]
  definition: { environmentPath: string }
}

/** @throws Failure when there is none, or more than one and no id */
export async function findSchedule(api: Api, collection: string, id: string | undefined): Promise<Schedule> {
  if (id !== undefined)
    return (await api.call<Schedule>('GET', `${collection}/${encodeURIComponent(id)}`)).json
  const { schedules } = (await api.call<{ schedules: Schedule[] }>('GET', collection)).json
  const [only, second] = schedules
  if (!only) throw new Failure('this environment has no schedule: make one with "rekey env schedule new"')
  if (second)
    throw new Failure(
      'this environment has several schedules: give the id of one, see "rekey env schedule list"',
    )
  return only
}

export function showSchedule(context: Context, schedule: Schedule, json: boolean | undefined): void {
  if (json) return printJson(context, schedule)
  const { id, timezone, owner, paused, definition, lastExecuted, nextDueTimes } = schedule
  const state = schedule.ended ? ', ended' : paused ? ', paused' : ''
  print(context, `${id}: ${timesOf(schedule, '"')} in ${timezone}${state}`)
  print(
    context,
    `rotates ${definition.environmentPath || 'the whole environment'} with the permissions of ${owner}, last due ${localTime(lastExecuted)}`,
  )
  if (nextDueTimes.length === 0) return
  const hasWarning = nextDueTimes.some(({ warning }) => warning !== undefined)
  printTable(
    context,
    ['NEXT DUE (UTC)', timezone, 'HERE', ...(hasWarning ? ['NOTE'] : [])],
    nextDueTimes.map(({ utc, local, warning }) => [
      utc.replace('T', ' ').replace(/\.\d+Z$/, ''),
      local.replace('T', ' ').replace(/[+-]\d\d:\d\d$/, ' $&'),
      localTime(utc),
      warning ?? '',
    ]),
  )
}

/** When it is due, in short: its cron text, or `once` and the instant. */
export function timesOf({ scheduleCron, scheduleOnce }: Schedule, quote = ''): string {
  if (scheduleOnce !== undefined) return `once at ${scheduleOnce.replace(/\.000Z$/, 'Z')}`
  return `${quote}${scheduleCron ?? ''}${quote}`
}
