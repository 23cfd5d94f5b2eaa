/**
 * The language's host over the store, for one person: what an evaluation may load is what that person may open.
 * It reads and decrypts; it never writes, and never rotates.
 */
import type { Host, LoadedEnvironment } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import {
  parseEnvironmentReference,
  formatEnvironmentName,
  type EnvironmentName,
  type Version,
} from '../model/environment-name.ts'
import { allows } from '../model/permissions.ts'
import { Refusal } from '../model/refusal.ts'
import { findEnvironmentOf, fullName, type EnvironmentOfCaller } from '../store/callers.ts'
import { dataKeyOf, type Environment } from '../store/environments.ts'
import { taggedRevision } from '../store/revisions.ts'
import { SealError } from '../store/seal.ts'
import { doesNotExist } from './access.ts'
import { adaptLogin, type LoginMode, type LoginsOfEvaluation } from './adapt-login.ts'
import { adaptRotator } from './adapt-rotator.ts'
import { documentAt, type StoredDocument } from './documents.ts'
import type { KeptLogin, LoginCache } from './login-cache.ts'
import type { PinnedRevision } from './retired-credentials.ts'
import type { Services } from './services.ts'

export { LoginCache } from './login-cache.ts'

export interface HostOptions {
  /** The root environment; without an id, a text that belongs to none. */
  environment: Pick<Environment, 'organization'> & { id?: string }
  /** With whose rights. */
  login: string
  /** `unknown`: login providers are not asked, and calls without a state yield an unknown value instead of an error. */
  logins: LoginMode
  /** Share it among evaluations that are to log in only once. */
  loginCache?: LoginCache
  /** What the store has just said, for this very evaluation, of environments by their full names and of the rights there. */
  justRead?: ReadonlyMap<string, EnvironmentOfCaller>
  signal?: AbortSignal
}

export interface EvaluationHost extends Host {
  /** References that were refused because the person lacks the right to open them. */
  readonly denied: readonly string[]
  /** Older revisions that were loaded because a reference named them. */
  readonly pinned: readonly PinnedRevision[]
  /** The environments that were asked for. */
  readonly imported: readonly EnvironmentName[]
  /** Logins that were asked for. */
  readonly logins: readonly KeptLogin[]
  /** What login providers failed with. */
  readonly loginFailures: readonly RotationFailure[]
  /** Call it after each evaluation: a store that could not be read is no fault of the definition. */
  throwIfStoreFailed(): void
}

export function createHost(services: Services, options: HostOptions): EvaluationHost {
  const { environment, login, signal, loginCache: cache } = options
  const loaded = new Map<string, Promise<LoadedEnvironment>>()
  const denied: string[] = []
  const pinned: PinnedRevision[] = []
  const imported: EnvironmentName[] = []
  const logins: LoginsOfEvaluation = {
    mode: options.logins,
    asker: { organization: environment.organization, login },
    guard: (work) => worded(work()),
    used: [],
    failures: [],
    ...(cache && { cache }),
    ...(signal && { signal }),
  }
  let failure: { error: unknown } | undefined

  /** Words that are meant for people pass; a driver's do not, and are rethrown by `throwIfStoreFailed`. */
  const worded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      if (error instanceof SealError) throw new Error(error.message)
      if (error instanceof Refusal || error instanceof RotationFailure) throw error
      failure ??= { error }
      throw new Error('the store could not be read; try again')
    }
  }

  const load = async (reference: string) => {
    const { version, ...name } = parseEnvironmentReference(reference, environment.organization)
    imported.push(name)
    const found = options.justRead?.get(fullName(name)) ?? (await findEnvironmentOf(services.db, login, name))
    return await loadFor(services, { reference, name, version, login, found })
  }

  return {
    denied,
    pinned,
    imported,
    logins: logins.used,
    loginFailures: logins.failures,
    throwIfStoreFailed: () => {
      if (failure) throw failure.error
    },
    loadEnvironment: (name) => {
      const known = loaded.get(name)
      if (known) return known
      const loading = worded(load(name)).then(
        ({ environment: owner, number, text, ...parsed }) => {
          if (number < owner.newestRevision) pinned.push({ reference: name, environment: owner, number })
          return {
            text,
            parsed,
            decrypt: (ciphertext: Uint8Array) => worded(decryptFor(services, owner.id, ciphertext)),
          }
        },
        (error: unknown) => {
          if (error instanceof Refusal && error.kind === 'forbidden') denied.push(name)
          throw error
        },
      )
      loaded.set(name, loading)
      return loading
    },
    loadProvider: async (name) => {
      const provider = services.findLogin(name)
      if (!provider) throw new Error(`there is no login provider named "${name}"`)
      return adaptLogin(services, provider, logins)
    },
    loadRotator: async (name) => {
      const rotator = services.findRotator(name)
      if (!rotator) throw new Error(`there is no rotator named "${name}"`)
      return adaptRotator(rotator, { withoutState: logins.mode === 'unknown' ? 'unknown' : 'error' })
    },
    decrypt: async (ciphertext) => {
      if (environment.id === undefined)
        throw new Error('this secret was sealed for an environment and opens only there')
      return worded(decryptFor(services, environment.id, ciphertext))
    },
    context: {
      value: {
        pulumi: {
          value: {
            user: { value: { login: { value: login } } },
            organization: {
              value: {
                login: { value: environment.organization },
                name: { value: environment.organization },
              },
            },
          },
        },
      },
    },
    ...(signal && { signal }),
  }
}

/** Decrypts a secret of a definition. @throws SealError */
export async function decryptFor(
  services: Services,
  environmentId: string,
  ciphertext: Uint8Array,
): Promise<Uint8Array> {
  const dataKey = await dataKeyOf(services.db, services.keeper, environmentId)
  return dataKey.open('definition', '', ciphertext)
}

async function loadFor(
  services: Services,
  {
    reference,
    name,
    version,
    login,
    found: { environment, level },
  }: {
    reference: string
    name: EnvironmentName
    version: Version
    login: string
    found: EnvironmentOfCaller
  },
): Promise<StoredDocument & { environment: Environment; number: number }> {
  if (!environment || !allows(level, 'read')) throw new Refusal('not-found', doesNotExist(name))
  if (!allows(level, 'open'))
    throw new Refusal(
      'forbidden',
      `${login} may not open environment ${formatEnvironmentName(name)}: ask its administrators for "open" on it`,
    )
  const number = await numberOf(services, environment, version)
  const found =
    number !== undefined &&
    (await documentAt(services, { environmentId: environment.id, number, name: reference }))
  if (number === undefined || !found) throw new Refusal('not-found', noRevision(name, version))
  return { ...found, environment, number }
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
