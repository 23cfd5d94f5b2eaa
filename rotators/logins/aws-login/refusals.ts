/**
 * Why STS gave no credentials, in closed codes and words that say what to change: in the role's trust policy, at the
 * identity provider in IAM, or at Rekey. Nothing of AWS's own text gets through.
 */
import { RotationFailure } from '../../../model/failures.ts'
import { failureOf } from '../../aws-iam/failures.ts'
import type { IdentityToken } from '../login.ts'
import type { SessionRequest } from './session-request.ts'

const ACTION = 'sts:AssumeRoleWithWebIdentity'

export function refusalOf(
  error: unknown,
  { roleArn, duration, region }: SessionRequest,
  { issuer, subject, audience }: IdentityToken,
): RotationFailure {
  const { name, message } = error as { name?: unknown; message?: unknown }
  const code = String(name).replace(/Exception$/, '')
  const text = String(message)
  /** As IAM names a provider and the keys of its conditions. */
  const provider = issuer.replace(/^https?:\/\//, '')
  const answered = (failure: RotationFailure['code'], words: string) =>
    new RotationFailure(failure, `${words} (${ACTION})`, { unchanged: true })

  switch (code) {
    case 'InvalidIdentityToken':
      if (/audience/i.test(text))
        return answered(
          'LOGIN_FAILED',
          `the identity provider ${provider} in IAM does not know the audience "${audience}": add it there as a client id, or set REKEY_OIDC_AUDIENCE`,
        )
      if (/no openidconnect provider/i.test(text))
        return answered(
          'LOGIN_FAILED',
          `the account of ${roleArn} has no identity provider for ${issuer}: make one with this URL and the client id "${audience}"`,
        )
      if (/thumbprint/i.test(text))
        return answered(
          'LOGIN_FAILED',
          `AWS does not trust the certificate of ${issuer}: get one from a public authority, or give its thumbprint to the identity provider ${provider} in IAM`,
        )
      return answered(
        'LOGIN_FAILED',
        `AWS could not check the token against the keys of ${issuer}: it must reach that URL over HTTPS from the internet, and find the keys of this Rekey there`,
      )
    case 'IDPCommunicationError':
      return answered(
        'TARGET_UNREACHABLE',
        `AWS could not fetch the keys of ${issuer}: it must reach that URL over HTTPS from the internet`,
      )
    case 'ExpiredToken':
    case 'ExpiredIdentityToken':
      return answered(
        'LOGIN_FAILED',
        'AWS finds the identity token expired or not yet good: the clock of the PostgreSQL of Rekey must be right; set it by NTP',
      )
    case 'IDPRejectedClaim':
      return answered('LOGIN_FAILED', `AWS rejects a claim of the token; its subject is "${subject}"`)
    case 'AccessDenied':
      return answered(
        'TARGET_DENIED',
        `${roleArn} does not exist or does not trust this environment: its trust policy must allow ${ACTION} to the provider ${provider} where ${provider}:aud is "${audience}" and ${provider}:sub is "${subject}"`,
      )
    case 'ValidationError':
      if (/DurationSeconds/.test(text))
        return answered(
          'INPUT_INVALID',
          `${roleArn} allows no session of ${duration / 60} minutes: set oidc.duration to 1h, or raise the role's maximum session duration`,
        )
      return answered('INPUT_INVALID', 'AWS refuses roleArn, sessionName, duration or policyArns')
    case 'MalformedPolicyDocument':
    case 'PackedPolicyTooLarge':
      return answered(
        'INPUT_INVALID',
        'AWS cannot use oidc.policyArns: one does not exist, or they are too long together',
      )
    case 'RegionDisabled':
      return answered(
        'INPUT_INVALID',
        `STS is switched off in the region ${region} for this account; set oidc.region`,
      )
    default: {
      const failure = failureOf(error, ACTION)
      // Of what is denied, the words there are about users of IAM.
      if (failure instanceof RotationFailure && failure.code !== 'TARGET_DENIED') return failure
      return answered('LOGIN_FAILED', 'AWS refused the identity token')
    }
  }
}
