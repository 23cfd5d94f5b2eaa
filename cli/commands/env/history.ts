/** `rekey env history`: the rotations of an environment, one of them whole, or its revisions. */
import type { Command } from 'commander'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { readNewest } from '../../environment-argument.ts'
import { retrySentences, triggerOf } from '../../next-retry.ts'
import { localTime, print, printJson, printTable } from '../../output.ts'
import { limitOption, readRevisions, showRevisions } from '../../revisions.ts'
import { pathOutcomes, type RotationAnswer, type RotationEvent } from '../../rotation.ts'
import { showEvent } from '../../rotation-result.ts'

interface Options {
  revisions?: boolean
  limit: number
  json?: boolean
}

export function addEnvHistory(env: Command, context: Context): void {
  declare(env, {
    usage: 'history <env> [event]',
    about:
      'list the rotations, newest first, each path with its outcome; or show one of them whole, by its id',
    examples: [
      'rekey env history billing/production',
      'rekey env history billing/production 0b9f6c1e-7a52-4c55-9e2f-1d1f6d0e8a11',
      'rekey env history billing/production --revisions --limit 5',
    ],
    json: true,
  })
    .option('--revisions', 'list the revisions instead, as "rekey env revision ls" does')
    .addOption(limitOption())
    .action(async (name: string, event: string | undefined, options: Options) => {
      const api = context.api()
      const environment = await readNewest(api, name)
      const { path, shortName } = environment
      if (options.revisions)
        return showRevisions(context, await readRevisions(api, environment, options.limit), options.json)
      if (event !== undefined) {
        const { json } = await api.call<RotationAnswer>(
          'GET',
          `${path}/rotate/events/${encodeURIComponent(event)}`,
        )
        if (options.json) return printJson(context, json)
        return showWhole(context, shortName, json.secretRotationEvent)
      }
      const query = { count: options.limit }
      const { json } = await api.call<{ events: RotationEvent[] }>('GET', `${path}/rotate/history`, { query })
      const events = json.events.slice(0, options.limit)
      if (options.json) return printJson(context, events)
      printTable(
        context,
        ['STARTED', 'WHY', 'BY', 'STATUS', 'REVISION', 'EVENT', 'PATHS'],
        events.map(rowOf),
        `nothing was rotated here yet: "rekey env rotate ${shortName}" does it now`,
      )
      for (const { nextRetry } of events)
        if (nextRetry?.status === 'waiting') print(context, retrySentences({ nextRetry }).join('\n'))
    })
}

function rowOf(event: RotationEvent): string[] {
  const paths = pathOutcomes(event).map(
    ({ path, outcome, code }) => `${path} ${outcome}${code ? ` ${code}` : ''}`,
  )
  return [
    localTime(event.created),
    whyOf(event),
    event.userID,
    event.status,
    event.postRotationRevision === undefined ? '-' : String(event.postRotationRevision),
    event.id,
    paths.join(', ') || (event.errorMessage ?? '-'),
  ]
}

/** What it did, where that was no rotation, and what began it. */
function whyOf(event: RotationEvent): string {
  const { action } = event
  return action === undefined ? triggerOf(event) : `${action}, ${event.trigger}`
}

function showWhole(context: Context, name: string, event: RotationEvent): void {
  const { id, userID, status, created, completed } = event
  const end = completed ? `, ended ${localTime(completed)}` : ''
  print(context, `${id}: ${status}, ${whyOf(event)} by ${userID}, begun ${localTime(created)}${end}`)
  for (const sentence of retrySentences(event)) print(context, sentence)
  showEvent(context, name, event)
}
