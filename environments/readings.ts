/**
 * Which revisions of other environments an evaluation read, and whether it would read the same ones now: with the
 * rights that the person has at this moment, by what the store says at this moment.
 */
import type { EnvironmentName, Version } from '../model/environment-name.ts'
import { formatEnvironmentName } from '../model/environment-name.ts'
import { allows } from '../model/permissions.ts'
import { Refusal } from '../model/refusal.ts'
import { findEnvironmentOf, fullName, type EnvironmentOfCaller } from '../store/callers.ts'
import type { Environment } from '../store/environments.ts'
import { taggedRevision } from '../store/revisions.ts'
import { doesNotExist } from './access.ts'
import type { PinnedRevision } from './retired-credentials.ts'
import type { Services } from './services.ts'

/** What a definition names: an environment, and which revision of it. */
export interface Wanted {
  /** As it is written there. */
  reference: string
  name: EnvironmentName
  version: Version
}

export interface Reading extends Wanted {
  environmentId: string
  number: number
}

export interface Reader {
  login: string
  /** What the store has just said, for this very request, of environments by their full names and of the rights there. */
  justRead?: ReadonlyMap<string, EnvironmentOfCaller> | undefined
}

/** The environment, if the person may open it, and the revision that is meant now. @throws Refusal not-found, forbidden */
export async function findWanted(
  services: Services,
  { name, version }: Wanted,
  { login, justRead }: Reader,
): Promise<{ environment: Environment; number: number }> {
  const { environment, level } =
    justRead?.get(fullName(name)) ?? (await findEnvironmentOf(services.db, login, name))
  if (!environment || !allows(level, 'read')) throw new Refusal('not-found', doesNotExist(name))
  if (!allows(level, 'open'))
    throw new Refusal(
      'forbidden',
      `${login} may not open environment ${formatEnvironmentName(name)}: ask its administrators for "open" on it`,
    )
  const number = await numberOf(services, environment, version)
  if (number === undefined) throw new Refusal('not-found', noRevision(name, version))
  return { environment, number }
}

/** Undefined when something else would be read now, or nothing; else those that are not the newest. */
export async function readAgain(
  services: Services,
  readings: readonly Reading[],
  reader: Reader,
): Promise<PinnedRevision[] | undefined> {
  const pinned: PinnedRevision[] = []
  try {
    const all = await Promise.all(readings.map((reading) => findWanted(services, reading, reader)))
    for (const [at, { environment, number }] of all.entries()) {
      const { reference, environmentId, number: before } = readings[at]!
      if (environment.id !== environmentId || number !== before) return undefined
      if (number < environment.newestRevision) pinned.push({ reference, environment, number })
    }
    return pinned
  } catch (error) {
    // What is lacking is for an evaluation to tell, at the place that needs it.
    if (error instanceof Refusal) return undefined
    throw error
  }
}

/** The number that a version means now. `environment` is as the store has it at this moment. */
export async function numberOf(
  services: Services,
  environment: Environment,
  version: Version,
): Promise<number | undefined> {
  if (version.kind === 'number') return version.number
  if (version.kind === 'latest') return environment.newestRevision
  return taggedRevision(services.db, environment.id, version.tag)
}

/** What to say of a version that an environment does not have. */
export function noRevision(name: { project: string; name: string }, version: Version): string {
  const of = `environment ${formatEnvironmentName(name)} has no revision`
  if (version.kind === 'number') return `${of} ${version.number}`
  return version.kind === 'tag' ? `${of} tagged "${version.tag}"` : of
}
