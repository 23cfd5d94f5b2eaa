/** The revisions of an environment as the API tells them: read page by page, found by number or tag, shown to people. */
import { Option } from 'commander'
import type { Api } from './api.ts'
import type { Context } from './context.ts'
import { readDefinition } from './definition.ts'
import type { EnvironmentArgument } from './environment-argument.ts'
import { Failure } from './failure.ts'
import { localTime, printJson, printTable } from './output.ts'

export interface Revision {
  number: number
  created: string
  creatorLogin: string
  tags?: string[]
  rotationEventID?: string
}

/** Newest first, at most `limit`. */
export async function readRevisions(
  api: Api,
  { path }: EnvironmentArgument,
  limit: number,
): Promise<Revision[]> {
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

export function showRevisions(context: Context, revisions: Revision[], json: boolean | undefined): void {
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

/** The number of the revision that the argument names. */
export async function revisionNumber(api: Api, environment: EnvironmentArgument): Promise<number> {
  const { version } = environment
  return version.kind === 'number' ? version.number : (await readDefinition(api, environment)).revision
}

export function limitOption(): Option {
  return new Option('--limit <n>', 'how many').default(20).argParser(readLimit)
}

function readLimit(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Failure(`--limit must be a whole number from 1, not "${text}"`)
  return Number(text)
}
