/**
 * Checks an identity token as AWS would: the issuer must be an identity provider of the account, its keys are fetched
 * over HTTP and remembered, and signature, audience, times and then the role's trust policy have to allow it.
 */
import {
  GetOpenIDConnectProviderCommand,
  ListOpenIDConnectProvidersCommand,
  type IAMClient,
  type Role,
} from '@aws-sdk/client-iam'
import { createRemoteJWKSet, decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose'
import { StsRefusal } from './sts-answers.ts'

export interface TokenCheck {
  /** @throws StsRefusal in the codes and words of AWS */
  accept(token: string, role: Role | undefined): Promise<JWTPayload>
  forgetKeys(): void
}

interface Statement {
  Effect: string
  Action: string | string[]
  Principal?: { Federated?: string }
  Condition?: Record<string, Record<string, string | string[]>>
}

type KeySet = ReturnType<typeof createRemoteJWKSet>

export function createTokenCheck(iam: IAMClient): TokenCheck {
  const keySets = new Map<string, KeySet>()
  return { accept, forgetKeys: () => keySets.clear() }

  async function accept(token: string, role: Role | undefined): Promise<JWTPayload> {
    const { iss = '' } = decodeJwt(token)
    const provider = await findProvider(iss)
    if (!provider) throw invalid(`No OpenIDConnect provider found in your account for ${iss}`)
    const { payload } = await jwtVerify(token, await keysOf(iss), {
      issuer: iss,
      audience: provider.audiences,
      algorithms: ['RS256'],
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
    }).catch((error: unknown) => {
      throw refusalFor(error)
    })
    const { Statement = [] } = JSON.parse(decodeURIComponent(role?.AssumeRolePolicyDocument ?? '{}')) as {
      Statement?: Statement[]
    }
    if (!Statement.some((statement) => allows(statement, provider, payload)))
      throw new StsRefusal(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity')
    return payload
  }

  async function findProvider(issuer: string) {
    const { OpenIDConnectProviderList = [] } = await iam.send(new ListOpenIDConnectProvidersCommand({}))
    const name = withoutScheme(issuer)
    for (const { Arn } of OpenIDConnectProviderList) {
      if (!Arn?.endsWith(`:oidc-provider/${name}`)) continue
      const { ClientIDList = [] } = await iam.send(
        new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: Arn }),
      )
      return { arn: Arn, name, audiences: ClientIDList }
    }
    return undefined
  }

  /** Remembered until `forgetKeys`: an AWS that asked once and does not ask again for long. */
  async function keysOf(issuer: string): Promise<KeySet> {
    const known = keySets.get(issuer)
    if (known) return known
    try {
      const response = await fetch(`${issuer}/.well-known/openid-configuration`)
      const found = (await response.json()) as { issuer?: string; jwks_uri?: string }
      if (found.issuer !== issuer || !found.jwks_uri) throw new Error('not the document of this issuer')
      const keys = createRemoteJWKSet(new URL(found.jwks_uri), {
        cacheMaxAge: Number.POSITIVE_INFINITY,
        cooldownDuration: Number.POSITIVE_INFINITY,
      })
      await keys.reload()
      keySets.set(issuer, keys)
      return keys
    } catch {
      throw new StsRefusal(400, 'IDPCommunicationError', `could not reach ${issuer}`)
    }
  }
}

function allows(
  { Effect, Action, Principal, Condition = {} }: Statement,
  provider: { arn: string; name: string },
  claims: JWTPayload,
): boolean {
  if (Effect !== 'Allow' || ![Action].flat().includes('sts:AssumeRoleWithWebIdentity')) return false
  if (Principal?.Federated !== provider.arn) return false
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const value = String(claims[key.slice(provider.name.length + 1)])
      if (!key.startsWith(`${provider.name}:`)) return false
      if (operator === 'StringEquals') return [wanted].flat().includes(value)
      if (operator === 'StringLike') return [wanted].flat().some((pattern) => isLike(value, pattern))
      return false
    }),
  )
}

function isLike(value: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(value)
}

function refusalFor(error: unknown): StsRefusal {
  if (error instanceof errors.JWTExpired)
    return new StsRefusal(
      400,
      'ExpiredTokenException',
      'Token expired: current date/time 2 must be before the expiration date/time 1',
    )
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
    return invalid('Incorrect token audience')
  return invalid("Couldn't retrieve verification key from your identity provider")
}

function invalid(message: string): StsRefusal {
  return new StsRefusal(400, 'InvalidIdentityToken', message)
}

export function withoutScheme(issuer: string): string {
  return issuer.replace(/^https?:\/\//, '')
}
