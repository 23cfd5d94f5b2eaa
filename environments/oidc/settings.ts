/** Rekey as an OpenID provider, as the operator set it up. */
import type { Config } from '../../config/index.ts'
import type { OidcKeyTimes } from '../../store/oidc-keys.ts'

export interface OidcSettings extends OidcKeyTimes {
  /** The URL that others know this installation by; without a slash at its end. */
  issuer: string
  /** Of tokens for AWS; `{org}` stands for the organization. */
  audience: string
  /** Told of every token that was made, or could not be. */
  count?(outcome: TokenOutcome): void
}

export type TokenOutcome = 'made' | 'failed'

type Settings = Pick<Config, 'oidcIssuer' | 'oidcAudience' | 'oidcKeyLifetime' | 'oidcKeyLead'>

/** To be spread into what works with environments: nothing where Rekey is no OpenID provider. */
export function oidcOf(config: Settings, count: (outcome: TokenOutcome) => void): { oidc?: OidcSettings } {
  if (config.oidcIssuer === undefined) return {}
  return { oidc: { issuer: config.oidcIssuer, audience: config.oidcAudience, ...keyTimes(config), count } }
}

export function keyTimes(config: Settings): OidcKeyTimes {
  return { lifetime: config.oidcKeyLifetime, lead: config.oidcKeyLead }
}
