/**
 * The language's host over the store, for one person: what an evaluation may load is what that person may open.
 * It reads and decrypts; it never writes, and never rotates.
 */
import type { Host, LoadedEnvironment } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import { parseEnvironmentReference } from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import type { EnvironmentOfCaller } from '../store/callers.ts'
import { dataKeyOf, type Environment } from '../store/environments.ts'
import { SealError } from '../store/seal.ts'
import { adaptLogin, type LoginMode, type LoginsOfEvaluation } from './adapt-login.ts'
import { adaptRotator } from './adapt-rotator.ts'
import { documentAt } from './documents.ts'
import type { KeptLogin, LoginCache } from './login-cache.ts'
import { findWanted, noRevision, type Reading } from './readings.ts'
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
  /** What was read of other environments. */
  readonly readings: readonly Reading[]
  /** False once a login provider was wanted: it may answer something else each time. Nothing else does. */
  readonly isRepeatable: boolean
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
  const readings: Reading[] = []
  let isRepeatable = true
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
    const wanted = { reference, name, version }
    const found = await findWanted(services, wanted, { login, justRead: options.justRead })
    const { environment: owner, number } = found
    const stored = await documentAt(services, { environmentId: owner.id, number, name: reference })
    if (!stored) throw new Refusal('not-found', noRevision(name, version))
    readings.push({ ...wanted, environmentId: owner.id, number })
    return { ...stored, ...found }
  }

  return {
    denied,
    pinned,
    readings,
    get isRepeatable() {
      return isRepeatable
    },
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
      isRepeatable = false
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
