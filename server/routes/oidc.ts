/**
 * Rekey as an OpenID provider, for everybody: who signs identity tokens, and the keys to check them with. Nothing secret
 * is in them, and everybody may keep them for a while.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { publishedOidcKeys } from '../../environments/oidc/keys.ts'
import type { OidcSettings } from '../../environments/oidc/settings.ts'
import { DISCOVERY_PATH, KEY_SET_PATH } from '../../model/oidc.ts'
import { Refusal } from '../../model/refusal.ts'
import type { PublicKey } from '../../store/oidc-keys.ts'
import type { Services } from '../services.ts'

/** Seconds that others may keep an answer: how long it takes at most until they know a key that was revoked. */
const KEPT_BY_OTHERS = 300
/** Milliseconds: many who ask must not cost the store many readings. */
const KEPT_HERE = 5_000

export function oidcRoutes(app: FastifyInstance, services: Services): void {
  const { oidc } = services
  const path = oidc ? new URL(oidc.issuer).pathname.replace(/\/$/, '') : ''
  const keySet = createKeySet(services)
  // A proxy in front of us may pass the issuer's path on, or take it away.
  for (const prefix of new Set(['', path])) {
    app.get(`${prefix}${DISCOVERY_PATH}`, { config: { access: 'anyone' } }, (_request, reply) => {
      const { issuer } = demandProvider(oidc)
      return keep(reply).send({
        issuer,
        jwks_uri: `${issuer}${KEY_SET_PATH}`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        scopes_supported: ['openid'],
        claims_supported: CLAIMS,
      })
    })
    app.get(`${prefix}${KEY_SET_PATH}`, { config: { access: 'anyone' } }, async (_request, reply) => {
      const keys = await keySet(demandProvider(oidc))
      return keep(reply).send({ keys })
    })
  }
}

const CLAIMS = 'iss sub aud iat nbf exp jti org project environment root_env current_env trigger_user'.split(
  ' ',
)

function demandProvider(oidc: OidcSettings | undefined): OidcSettings {
  if (oidc) return oidc
  throw new Refusal('not-found', 'this Rekey is no OpenID provider: REKEY_OIDC_ISSUER is not set')
}

function keep(reply: FastifyReply): FastifyReply {
  return reply.header('Cache-Control', `public, max-age=${KEPT_BY_OTHERS}`)
}

function createKeySet(services: Services): (oidc: OidcSettings) => Promise<PublicKey[]> {
  let known: { until: number; keys: Promise<PublicKey[]> } | undefined
  return async (oidc) => {
    if (!known || performance.now() > known.until) {
      const keys = read(oidc)
      const kept = (known = { until: performance.now() + KEPT_HERE, keys })
      keys.catch(() => {
        if (known === kept) known = undefined
      })
    }
    return await known.keys
  }

  async function read(oidc: OidcSettings): Promise<PublicKey[]> {
    // The first of all is made here, and must not be sealed with a key that is not the store's.
    await services.demandKey()
    return (await publishedOidcKeys(services, oidc)).map(({ publicKey }) => publicKey)
  }
}
