/** `rekey env schedule`: when an environment rotates by itself. */
import type { Command } from 'commander'
import { declare, group } from '../../command.ts'
import type { Context } from '../../context.ts'
import { Failure } from '../../failure.ts'
import { readNewest } from '../../environment-argument.ts'
import { localTime, print, printJson, printTable } from '../../output.ts'
import { findSchedule, showSchedule, timesOf, type Schedule } from '../../schedule.ts'

interface Options {
  timezone?: string
  path?: string
  cron?: string
  once?: string
  limit?: string
  json?: boolean
}

export function addEnvSchedule(env: Command, context: Context): void {
  const schedule = group(
    env,
    'schedule',
    'when an environment rotates by itself',
    'rekey env schedule new billing/production "0 3 * * *" --timezone Europe/Berlin',
  )
  const at = async (name: string) => {
    const api = context.api()
    const environment = await readNewest(api, name)
    return { api, environment, collection: `${environment.path}/schedules` }
  }

  declare(schedule, {
    usage: 'new <env> [cron]',
    about:
      'make the schedule of an environment: five cron fields, or @hourly, @daily, @weekly, @monthly, @yearly; or --once',
    examples: [
      'rekey env schedule new billing/production "0 3 * * *" --timezone Europe/Berlin',
      'rekey env schedule new billing/production "H 4 * * 1" --path database.creds',
      'rekey env schedule new billing/production --once 2030-01-31T22:00:00+01:00',
    ],
    json: true,
  })
    .option('--once <instant>', 'a single time with its offset from UTC, in the place of a cron text')
    .option('--timezone <zone>', 'IANA time zone that the cron text is meant in', 'UTC')
    .option('--path <path>', 'only this credential; else all of the environment')
    .action(async (name: string, cron: string | undefined, { once, timezone, path, json }: Options) => {
      if (cron === undefined && once === undefined)
        throw new Failure('when is it due? give a cron text, such as "0 3 * * *", or --once with an instant')
      if (cron !== undefined && once !== undefined) throw new Failure('give a cron text or --once, not both')
      const { api, collection } = await at(name)
      const made = await api.call<Schedule>('POST', collection, {
        body: {
          ...(cron !== undefined && { scheduleCron: cron }),
          ...(once !== undefined && { scheduleOnce: once }),
          timezone,
          secretRotationRequest: { environmentPath: path ?? '' },
        },
      })
      showSchedule(context, made.json, json)
    })

  declare(schedule, {
    usage: 'list <env>',
    about: 'list its schedules',
    examples: ['rekey env schedule list billing/production'],
    json: true,
  })
    .alias('ls')
    .action(async (name: string, { json }: Options) => {
      const { api, collection } = await at(name)
      const { schedules } = (await api.call<{ schedules: Schedule[] }>('GET', collection)).json
      if (json) return printJson(context, schedules)
      printTable(
        context,
        ['ID', 'SCHEDULE', 'ZONE', 'PATH', 'OWNER', 'LAST', 'NEXT'],
        schedules.map((one) => [
          one.id,
          timesOf(one),
          one.timezone,
          one.definition.environmentPath || '(all)',
          one.owner,
          localTime(one.lastExecuted),
          one.ended ? 'ended' : one.paused ? 'paused' : localTime(one.nextExecution),
        ]),
      )
    })

  declare(schedule, {
    usage: 'get <env> [id]',
    about: 'show a schedule with its next due times in UTC and in its zone',
    examples: ['rekey env schedule get billing/production'],
    json: true,
  }).action(async (name: string, id: string | undefined, { json }: Options) => {
    const { api, collection } = await at(name)
    showSchedule(context, await findSchedule(api, collection, id), json)
  })

  declare(schedule, {
    usage: 'edit <env> [id]',
    about: 'change a schedule; you become its owner, with whose permissions it acts',
    examples: ['rekey env schedule edit billing/production --cron "30 3 * * *"'],
    json: true,
  })
    .option('--cron <cron>', 'the new cron text, as for "new"')
    .option('--once <instant>', 'a single time with its offset from UTC, in the place of a cron text')
    .option('--timezone <zone>', 'IANA time zone that the cron text is meant in')
    .option('--path <path>', 'only this credential; "" for all of the environment')
    .action(async (name: string, id: string | undefined, { cron, once, timezone, path, json }: Options) => {
      if ([cron, once, timezone, path].every((said) => said === undefined))
        throw new Failure('there is nothing to change: give one of --cron, --once, --timezone and --path')
      if (cron !== undefined && once !== undefined) throw new Failure('give --cron or --once, not both')
      const { api, collection } = await at(name)
      const before = await findSchedule(api, collection, id)
      const changed = await api.call<Schedule>('PATCH', `${collection}/${before.id}`, {
        body: {
          ...(cron !== undefined && { scheduleCron: cron }),
          ...(once !== undefined && { scheduleOnce: once }),
          ...(timezone !== undefined && { timezone }),
          ...(path !== undefined && { secretRotationRequest: { environmentPath: path } }),
        },
      })
      showSchedule(context, changed.json, json)
    })

  for (const [verb, about] of [
    ['pause', 'let a schedule rest'],
    ['resume', 'let a paused schedule go on'],
  ] as const)
    declare(schedule, {
      usage: `${verb} <env> [id]`,
      about,
      examples: [`rekey env schedule ${verb} billing/production`],
      json: true,
    }).action(async (name: string, id: string | undefined, { json }: Options) => {
      const { api, collection } = await at(name)
      const before = await findSchedule(api, collection, id)
      const changed = await api.call<Schedule>('POST', `${collection}/${before.id}/${verb}`)
      showSchedule(context, changed.json, json)
    })

  declare(schedule, {
    usage: 'remove <env> [id]',
    about: 'end a schedule; what it did stays in the history',
    examples: ['rekey env schedule remove billing/production'],
    json: true,
  })
    .alias('rm')
    .action(async (name: string, id: string | undefined, { json }: Options) => {
      const { api, collection, environment } = await at(name)
      const before = await findSchedule(api, collection, id)
      await api.call('DELETE', `${collection}/${before.id}`)
      if (json) printJson(context, { id: before.id, removed: true })
      else print(context, `${environment.shortName} does not rotate by itself any more`)
    })

  declare(schedule, {
    usage: 'history <env> [id]',
    about: 'list the due times of a schedule and what became of them, newest first',
    examples: ['rekey env schedule history billing/production'],
    json: true,
  }).action(async (name: string, id: string | undefined, { json }: Options) => {
    const { api, collection } = await at(name)
    const { id: found } = await findSchedule(api, collection, id)
    const { scheduleHistoryEvents: events } = (
      await api.call<{ scheduleHistoryEvents: { executed: string; version: number; result: string }[] }>(
        'GET',
        `${collection}/${found}/history`,
      )
    ).json
    if (json) return printJson(context, events)
    printTable(
      context,
      ['DUE', 'VERSION', 'RESULT'],
      events.map(({ executed, version, result }) => [localTime(executed), String(version), result]),
    )
  })
}
