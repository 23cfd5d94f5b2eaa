/** Rekey as an OpenID provider, as the operator set it up. */
import type { OidcKeyTimes } from '../../store/oidc-keys.ts'

export interface OidcSettings extends OidcKeyTimes {
  /** The URL that others know this installation by; without a slash at its end. */
  issuer: string
  /** Of tokens for AWS; `{org}` stands for the organization. */
  audience: string
  /** Told of every token that was made, or could not be. */
  count?(outcome: 'made' | 'failed'): void
}
