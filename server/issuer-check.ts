/**
 * Whether the issuer's URL leads to this Rekey, as far as can be told from here: what others find there must name the
 * same issuer, and the key that signs now.
 */
import type { OidcSettings } from '../environments/oidc/settings.ts'
import { DISCOVERY_PATH } from '../model/oidc.ts'
import type { Database } from '../store/database.ts'
import { oidcKeys } from '../store/oidc-keys.ts'

export type IssuerState =
  'ok' | 'not reachable from here' | 'another issuer answers there' | 'our keys are not there'

/** Milliseconds. */
const KEPT = 60_000
const LIMIT = 3_000

/** Never throws. Undefined where Rekey is no OpenID provider. */
export function createIssuerCheck(
  db: Database,
  oidc: OidcSettings | undefined,
): () => Promise<IssuerState | undefined> {
  let known: { until: number; state: Promise<IssuerState> } | undefined
  return async () => {
    if (!oidc) return undefined
    if (!known || performance.now() > known.until)
      known = {
        until: performance.now() + KEPT,
        state: look(db, oidc).catch(() => 'not reachable from here'),
      }
    return await known.state
  }
}

async function look(db: Database, { issuer }: OidcSettings): Promise<IssuerState> {
  const signal = AbortSignal.timeout(LIMIT)
  const found = await read(`${issuer}${DISCOVERY_PATH}`, signal)
  if (found['issuer'] !== issuer || typeof found['jwks_uri'] !== 'string')
    return 'another issuer answers there'
  const { keys } = await read(found['jwks_uri'], signal)
  const signing = (await oidcKeys(db)).find(({ state }) => state === 'signs')
  const isThere = Array.isArray(keys) && keys.some((key: { kid?: unknown }) => key.kid === signing?.id)
  return isThere ? 'ok' : 'our keys are not there'
}

async function read(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const response = await fetch(url, { signal, redirect: 'error' })
  if (!response.ok) return {}
  const text = await response.text()
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
