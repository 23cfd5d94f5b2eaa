/** `rekey env history`: the rotations of an environment, or its revisions. */
import { Option, type Command } from 'commander'
import { declare } from '../../command.ts'
import type { Api } from '../../api.ts'
import type { Context } from '../../context.ts'
import { readNewest, type EnvironmentArgument } from '../../environment-argument.ts'
import { Failure } from '../../failure.ts'
import { localTime, printJson, printTable } from '../../output.ts'
import { pathOutcomes, type RotationEvent } from '../../rotation.ts'

interface Revision {
  number: number
  created: string
  creatorLogin: string
  tags?: string[]
  rotationEventID?: string
}

interface Options {
  revisions?: boolean
  limit: number
  json?: boolean
}

export function addEnvHistory(env: Command, context: Context): void {
  declare(env, {
    usage: 'history <env>',
    about: 'list the rotations, newest first, each path with its outcome; or the revisions',
    examples: [
      'rekey env history billing/production',
      'rekey env history billing/production --revisions --limit 5',
    ],
    json: true,
  })
    .option('--revisions', 'list the revisions instead')
    .addOption(new Option('--limit <n>', 'how many').default(20).argParser(readLimit))
    .action(async (name: string, options: Options) => {
      const api = context.api()
      const environment = await readNewest(api, name)
      if (options.revisions)
        return showRevisions(context, await readRevisions(api, environment, options.limit), options)
      const { json } = await api.call<{ events: RotationEvent[] }>(
        'GET',
        `${environment.path}/rotate/history`,
        {
          query: { count: options.limit },
        },
      )
      const events = json.events.slice(0, options.limit)
      if (options.json) return printJson(context, events)
      printTable(context, ['STARTED', 'WHY', 'BY', 'STATUS', 'REVISION', 'PATHS'], events.map(rowOf))
    })
}

function rowOf(event: RotationEvent): string[] {
  const paths = pathOutcomes(event).map(
    ({ path, outcome, code }) => `${path} ${outcome}${code ? ` ${code}` : ''}`,
  )
  return [
    localTime(event.created),
    event.trigger,
    event.userID,
    event.status,
    event.postRotationRevision === undefined ? '-' : String(event.postRotationRevision),
    paths.join(', ') || (event.errorMessage ?? '-'),
  ]
}

async function readRevisions(api: Api, { path }: EnvironmentArgument, limit: number): Promise<Revision[]> {
  const found: Revision[] = []
  for (let before = 0; found.length < limit; before = found.at(-1)!.number) {
    const { json } = await api.call<Revision[]>('GET', `${path}/versions`, {
      query: { before, count: Math.min(500, limit - found.length) },
    })
    if (json.length === 0) break
    found.push(...json)
  }
  return found
}

function showRevisions(context: Context, revisions: Revision[], { json }: Options): void {
  if (json) return printJson(context, revisions)
  printTable(
    context,
    ['REVISION', 'MADE', 'BY', 'HOW', 'TAGS'],
    revisions.map(({ number, created, creatorLogin, tags = [], rotationEventID }) => [
      String(number),
      localTime(created),
      creatorLogin,
      rotationEventID ? 'rotation' : 'edit',
      tags.join(', '),
    ]),
  )
}

function readLimit(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Failure(`--limit must be a whole number from 1, not "${text}"`)
  return Number(text)
}
