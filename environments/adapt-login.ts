/** A login provider as the language calls it. What it yields is kept in memory at most, and only where a cache is given. */
import { fromPlain, toPlain, type Provider, type Value } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import type { AnyLogin } from '../rotators/logins/login.ts'
import { canonicalJson } from './canonical-json.ts'
import type { Services } from './services.ts'

/** `unknown`: nothing is asked, and the outputs are unknown. */
export type LoginMode = 'open' | 'unknown'

/** Logins that were made, by provider and a keyed hash of the inputs. */
export type LoginCache = Map<string, Promise<Value>>

export function createLoginCache(): LoginCache {
  return new Map()
}

export function adaptLogin(
  services: Services,
  login: AnyLogin,
  {
    mode,
    cache,
    signal,
  }: { mode: LoginMode; cache: LoginCache | undefined; signal: AbortSignal | undefined },
): Provider {
  const open = async (inputs: unknown): Promise<Value> => {
    const timeout = services.settings.loginTimeout
    const context = { signal: signal ?? AbortSignal.timeout(timeout * 2), timeout }
    try {
      const { outputs } = await login.open(inputs, context)
      return fromPlain(outputs, login.outputs)
    } catch (error) {
      if (error instanceof RotationFailure) throw new Error(error.message)
      throw new Error(`the login provider "${login.name}" failed unexpectedly`)
    }
  }
  return {
    schema: () => ({ inputs: login.inputs, outputs: login.outputs }),
    open: async (inputs) => {
      if (mode === 'unknown') return { value: null, unknown: true }
      const plain = toPlain(inputs)
      if (!cache) return open(plain)
      const key = `${login.name}/${services.keeper.hmac(canonicalJson(plain)).toString('base64')}`
      const known = cache.get(key)
      if (known) return known
      const opening = open(plain)
      cache.set(key, opening)
      opening.catch(() => cache.delete(key))
      return opening
    },
  }
}
