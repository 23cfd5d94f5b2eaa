/**
 * Signs identity tokens: short proofs of who asks, for other systems to check. A token is in memory alone, from here to
 * whoever exchanges it; it is never stored and never logged.
 */
import { createPrivateKey, randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { formatEnvironmentName, parseEnvironmentReference } from '../../model/environment-name.ts'
import { RotationFailure } from '../../model/failures.ts'
import { audienceOf, subjectOf, type Asker } from '../../model/oidc.ts'
import { Secret } from '../../model/secret.ts'
import type { IdentityRequest, IdentityToken } from '../../rotators/logins/login.ts'
import { signingKey } from '../../store/oidc-keys.ts'
import type { Keeper } from '../../store/seal.ts'
import { tendOidcKeys, type OidcStore } from './keys.ts'
import type { OidcSettings } from './settings.ts'

/** Seconds that a token is good. */
export const TOKEN_LIFETIME = 300
/** Seconds that clocks of others may be behind the store's. */
const LEEWAY = 30

/** Whoever asks from outside an environment has no name that could be trusted. @throws RotationFailure INPUT_INVALID */
export function askerOf({ organization, login, ...names }: Asker): Asker {
  const nameOf = (reference: string): string => {
    try {
      // As it is written at an import, perhaps with a revision: which environment it is, is what counts.
      return formatEnvironmentName(parseEnvironmentReference(reference, organization))
    } catch {
      throw new RotationFailure(
        'INPUT_INVALID',
        'only what is in an environment can log in with an identity token',
      )
    }
  }
  return {
    organization,
    login,
    rootEnvironment: nameOf(names.rootEnvironment),
    currentEnvironment: nameOf(names.currentEnvironment),
  }
}

/** @throws RotationFailure LOGIN_FAILED where Rekey is no OpenID provider; what the store throws */
export async function identityToken(
  store: OidcStore & { oidc?: OidcSettings },
  asker: Asker,
  { subjectAttributes }: IdentityRequest,
): Promise<IdentityToken> {
  const { oidc } = store
  if (!oidc)
    throw new RotationFailure(
      'LOGIN_FAILED',
      'a login by oidc needs Rekey to be an OpenID provider: set REKEY_OIDC_ISSUER, on every server and worker',
    )
  try {
    const subject = subjectOf(asker, subjectAttributes)
    const audience = audienceOf(oidc.audience, asker)
    const token = await sign(store, oidc, asker, { subject, audience })
    oidc.count?.('made')
    return { token: new Secret(token), issuer: oidc.issuer, subject, audience }
  } catch (error) {
    oidc.count?.('failed')
    throw error
  }
}

async function sign(
  store: OidcStore,
  oidc: OidcSettings,
  asker: Asker,
  { subject, audience }: { subject: string; audience: string },
): Promise<string> {
  let key = await signingKey(store.db, store.keeper)
  if (!key) {
    await tendOidcKeys(store, oidc)
    key = await signingKey(store.db, store.keeper)
  }
  if (!key) throw new Error('there is no key to sign with')
  const now = Math.floor(key.now)
  const [project, environment] = asker.rootEnvironment.split('/')
  return await new SignJWT({
    org: asker.organization,
    project,
    environment,
    root_env: asker.rootEnvironment,
    current_env: asker.currentEnvironment,
    trigger_user: asker.login,
  })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.id })
    .setIssuer(oidc.issuer)
    .setSubject(subject)
    .setAudience(audience)
    .setIssuedAt(now)
    .setNotBefore(now - LEEWAY)
    .setExpirationTime(now + TOKEN_LIFETIME)
    .setJti(randomUUID())
    .sign(await privateKeyOf(store.keeper, key))
}

const KEPT = 4
/** A key never changes, so what was opened once stays true. */
const opened = new WeakMap<Keeper, Map<string, KeyObject>>()

async function privateKeyOf(
  keeper: Keeper,
  { id, open }: { id: string; open(): Promise<Buffer> },
): Promise<KeyObject> {
  const kept = opened.get(keeper) ?? new Map<string, KeyObject>()
  opened.set(keeper, kept)
  const known = kept.get(id)
  if (known) return known
  const key = createPrivateKey({ key: await open(), format: 'der', type: 'pkcs8' })
  const oldest = kept.keys().next()
  if (kept.size >= KEPT && !oldest.done) kept.delete(oldest.value)
  kept.set(id, key)
  return key
}
