/**
 * Makes Rekey's search attributes known to Temporal, as far as the account may, and says which are. Nothing waits for
 * them: without them rotations run as ever, and the Temporal UI finds them by workflow id alone.
 */
import type { Client } from '@temporalio/client'
import type { Logger } from 'pino'
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts'
import { isAway } from './connect.ts'

export interface SearchAttributeReport {
  /** Temporal has them, with the type that we need. */
  usable: string[]
  added: string[]
  /** Name → why it cannot be used, in a few words. */
  missing: Record<string, string>
}

/** What server and worker hold on to. */
export interface SearchAttributes {
  /** As known now; asks Temporal again in the background when that is a while ago. */
  usable(): readonly string[]
  /** Asks now. Never rejects: what could not be learnt stays as it was. */
  refresh(): Promise<readonly string[]>
}

type Attributes = readonly (typeof SEARCH_ATTRIBUTES)[number][]

/** Milliseconds for all calls of one look. */
const DEADLINE = 5_000
const REFRESH_EVERY = 60_000

/** As Temporal's `IndexedValueType` numbers them. */
const NUMBERS = { KEYWORD: 2, INT: 3, KEYWORD_LIST: 7 } as const
/** By gRPC code. */
const REASONS: Record<number, string> = {
  3: 'Temporal refused it: the namespace may have as many as it can hold',
  5: 'the namespace does not exist',
  7: 'this account may not register search attributes',
  8: 'the namespace has as many as it can hold',
  12: 'this Temporal has no call for it',
  16: 'this account may not register search attributes',
}

/**
 * Registers what is missing; safe to repeat, and at the same time as others do. `deadline`: milliseconds.
 * @throws when Temporal is away
 */
export async function registerSearchAttributes(
  client: Client,
  deadline: number = DEADLINE,
): Promise<SearchAttributeReport> {
  const { namespace } = client.options
  const operator = client.connection.operatorService
  const list = async () => (await operator.listSearchAttributes({ namespace })).customAttributes ?? {}
  const add = async (wanted: Attributes) => {
    const searchAttributes = Object.fromEntries(wanted.map(({ name, type }) => [name, NUMBERS[type]]))
    await operator.addSearchAttributes({ namespace, searchAttributes })
  }
  return await client.connection.withDeadline(Date.now() + deadline, async () => {
    let known: Record<string, unknown>
    try {
      known = await list()
    } catch (error) {
      const reason = reasonOf(error)
      const missing = Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name }) => [name, reason]))
      return { usable: [], added: [], missing }
    }
    const absent = SEARCH_ATTRIBUTES.filter(({ name }) => known[name] === undefined)
    if (absent.length === 0) return report(known, [], {})
    const reasons: Record<string, string> = {}
    try {
      await add(absent)
    } catch (error) {
      reasonOf(error)
      // One that does not fit must not keep out the others.
      for (const one of absent) {
        await add([one]).catch((refused: unknown) => (reasons[one.name] = reasonOf(refused)))
      }
    }
    return report(await list(), absent, reasons)
  })
}

function report(
  known: Record<string, unknown>,
  absent: Attributes,
  reasons: Record<string, string>,
): SearchAttributeReport {
  const usable: string[] = []
  const missing: Record<string, string> = {}
  for (const { name, type } of SEARCH_ATTRIBUTES) {
    if (known[name] === NUMBERS[type]) usable.push(name)
    else if (known[name] === undefined) missing[name] = reasons[name] ?? 'Temporal does not show it yet'
    else missing[name] = 'the namespace has it with another type'
  }
  return { usable, added: absent.map(({ name }) => name).filter((name) => usable.includes(name)), missing }
}

/** One for each program; looks for the first time when it is asked to. */
export function createSearchAttributes(client: Client, log: Pick<Logger, 'info' | 'warn'>): SearchAttributes {
  let usable: readonly string[] = []
  let lookedAt = -Infinity
  let looking: Promise<readonly string[]> | undefined
  let told = ''

  async function look(): Promise<readonly string[]> {
    try {
      const found = await registerSearchAttributes(client)
      usable = found.usable
      if (found.added.length > 0) log.info({ added: found.added }, 'search attributes registered in Temporal')
      tell(found.missing)
    } catch {
      // Away: whoever needs Temporal for more than this says so.
    } finally {
      lookedAt = performance.now()
      looking = undefined
    }
    return usable
  }

  function tell(missing: Record<string, string>): void {
    const now = JSON.stringify(missing)
    if (now !== told && now !== '{}')
      log.warn(
        { missing },
        'rotations cannot be searched for by all of their attributes in Temporal, and run all the same; ' +
          'let somebody who may run "rekey migrate", or "temporal operator search-attribute create"',
      )
    told = now
  }

  const refresh = () => (looking ??= look())
  return {
    refresh,
    usable: () => {
      if (performance.now() - lookedAt > REFRESH_EVERY) void refresh()
      return usable
    },
  }
}

/** Our words for Temporal's no. @throws the error itself when Temporal is away. */
function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'number' || isAway(error)) throw error
  return REASONS[code] ?? `Temporal answered with gRPC code ${code}`
}
