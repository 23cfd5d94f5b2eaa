/**
 * Exchanges an identity token for credentials of a role, at STS. The request is signed by nobody: no credentials but the
 * token are used, never those of the worker itself.
 */
import { RotationFailure } from '../../../model/failures.ts'
import type { AwsLogin } from '../../aws-iam/schema.ts'
import type { IdentityToken, LoginContext, Opened } from '../login.ts'
import { refusalOf } from './refusals.ts'
import type { SessionRequest } from './session-request.ts'

/** @throws RotationFailure */
export async function assumeRole(
  request: SessionRequest,
  identity: IdentityToken,
  { signal, timeout }: LoginContext,
): Promise<Opened<AwsLogin>> {
  const { AssumeRoleWithWebIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
  const agent = { keepAlive: false, maxSockets: 1 }
  const client = new STSClient({
    region: request.region,
    credentials: () => Promise.reject(new Error('nobody signs this request')),
    // Whoever called decides what is tried again.
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard' as const,
    requestHandler: { httpAgent: agent, httpsAgent: agent },
    customUserAgent: 'rekey',
  })
  try {
    const deadline = AbortSignal.timeout(timeout)
    const answer = await client
      .send(
        new AssumeRoleWithWebIdentityCommand({
          RoleArn: request.roleArn,
          RoleSessionName: request.sessionName,
          DurationSeconds: request.duration,
          WebIdentityToken: identity.token.reveal(),
          ...(request.policyArns.length > 0 && { PolicyArns: request.policyArns.map((arn) => ({ arn })) }),
        }),
        { abortSignal: AbortSignal.any([signal, deadline]) },
      )
      .catch((error: unknown) => {
        if (deadline.aborted)
          throw new RotationFailure(
            'TARGET_TIMEOUT',
            'AWS did not answer in time (sts:AssumeRoleWithWebIdentity)',
          )
        throw refusalOf(error, request, identity)
      })
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {}
    if (!AccessKeyId || !SecretAccessKey || !SessionToken)
      throw new RotationFailure('TARGET_UNREACHABLE', 'what answered as STS gave no credentials')
    return {
      outputs: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
      ...(Expiration && { expiresAt: Expiration.getTime() }),
    }
  } finally {
    client.destroy()
  }
}
