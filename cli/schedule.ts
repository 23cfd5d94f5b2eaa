/** One schedule as the API tells it, found without its id where there is only one, and shown to people. */
import type { Api } from './api.ts'
import type { Context } from './context.ts'
import { Failure } from './failure.ts'
import { localTime, print, printJson, printTable } from './output.ts'

export interface Schedule {
  id: string
  paused: boolean
  scheduleCron: string
  timezone: string
  owner: string
  lastExecuted: string
  nextExecution: string
  nextExecutions: string[]
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
  const { id, scheduleCron, timezone, owner, paused, definition, lastExecuted, nextExecutions } = schedule
  print(context, `${id}: "${scheduleCron}" in ${timezone}${paused ? ', paused' : ''}`)
  print(
    context,
    `rotates ${definition.environmentPath || 'the whole environment'} with the permissions of ${owner}, last due ${localTime(lastExecuted)}`,
  )
  if (nextExecutions.length === 0) return
  printTable(
    context,
    ['NEXT DUE (UTC)', timezone, 'HERE'],
    nextExecutions.map((time) => [
      time.replace('T', ' ').replace(/\.\d+Z$/, ''),
      timeIn(time, timezone),
      localTime(time),
    ]),
  )
}

function timeIn(time: string, timezone: string): string {
  const options = { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' } as const
  return new Intl.DateTimeFormat('sv-SE', options).format(new Date(time))
}
