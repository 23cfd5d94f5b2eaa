/** A login provider as the language calls it. What it yields is kept in memory at most, and only where a cache is given. */
import { fromPlain, toPlain, type Provider, type Value } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import type { Asker } from '../model/oidc.ts'
import type { AnyLogin, LoginContext } from '../rotators/logins/login.ts'
import { canonicalJson } from './canonical-json.ts'
import { LoginCache, type KeptLogin, type OpenedLogin } from './login-cache.ts'
import { askerOf, identityToken } from './oidc/identity-token.ts'
import { redactFailure, secretTexts } from './secret-inputs.ts'
import type { Services } from './services.ts'

/** `unknown`: nothing is asked, and the outputs are unknown. */
export type LoginMode = 'open' | 'unknown'

/** What the logins of one evaluation are made with, and what becomes of them. */
export interface LoginsOfEvaluation {
  mode: LoginMode
  /** On whose behalf. */
  asker: { organization: string; login: string }
  /** Lets failures pass, and keeps what the store says to itself. */
  guard<T>(work: () => Promise<T>): Promise<T>
  /** Logins are made by each evaluation itself where there is none. */
  cache?: LoginCache
  signal?: AbortSignal
  /** Takes note of every login that was asked for. */
  used: KeptLogin[]
  /** Takes note of every one that failed, its words without the secrets among its inputs. */
  failures: RotationFailure[]
}

export function adaptLogin(services: Services, login: AnyLogin, of: LoginsOfEvaluation): Provider {
  const open = async (inputs: Value, asker: () => Asker): Promise<OpenedLogin> => {
    const timeout = services.settings.loginTimeout
    const context: LoginContext = {
      signal: of.signal ?? AbortSignal.timeout(timeout * 2),
      timeout,
      identity: (request) => noted(async () => identityToken(services, asker(), request)),
    }
    const { outputs, expiresAt } = await login.open(toPlain(inputs), context)
    return { value: fromPlain(outputs, login.outputs), ...(expiresAt !== undefined && { expiresAt }) }
  }
  /** Failures are told as they are to whoever evaluates, and in words alone to whoever reads diagnostics. */
  const worded = (error: unknown, inputs: Value): Error => {
    const known = error instanceof RotationFailure
    const failure = known
      ? (redactFailure(error, secretTexts(inputs)) as RotationFailure)
      : new RotationFailure('INTERNAL', `the login provider "${login.name}" failed unexpectedly`)
    of.failures.push(failure)
    return new Error(failure.message)
  }
  return {
    schema: () => ({ inputs: login.inputs, outputs: login.outputs }),
    open: async (inputs, { rootEnvironment, currentEnvironment }) => {
      if (of.mode === 'unknown') return { value: null, unknown: true }
      const hash = services.keeper.hmac(canonicalJson(toPlain(inputs))).toString('base64')
      // Who asks may be part of what is asked for: the same inputs elsewhere are another login.
      const key = `${login.name}/${currentEnvironment}/${hash}`
      const asker = () => askerOf({ ...of.asker, rootEnvironment, currentEnvironment })
      const kept = (of.cache ?? new LoginCache()).take(key, () => open(inputs, asker))
      of.used.push(kept)
      try {
        return (await kept.opening).value
      } catch (error) {
        if (!(error instanceof NotSigned)) throw worded(error, inputs)
        // To each who shares the login, not only to whoever asked first: to none of them it is the login's fault.
        return await of.guard(() => Promise.reject(error.cause))
      }
    },
  }
}

/** Signing met what is neither the login's nor the definition's fault: the store, or its key. */
class NotSigned extends Error {}

async function noted<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw cause instanceof RotationFailure ? cause : new NotSigned('no token could be signed', { cause })
  }
}
