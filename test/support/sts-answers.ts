/** What STS says, in its XML: sessions and refusals. */
import type { Credentials } from '@aws-sdk/client-sts'

export class StsRefusal extends Error {
  override name = 'StsRefusal'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

export function answerText(credentials: Credentials, expiration: Date, subject: string): string {
  const { AccessKeyId, SecretAccessKey, SessionToken } = credentials
  return `<AssumeRoleWithWebIdentityResponse xmlns="${NAMESPACE}"><AssumeRoleWithWebIdentityResult>
<SubjectFromWebIdentityToken>${subject}</SubjectFromWebIdentityToken><Credentials>
<AccessKeyId>${AccessKeyId}</AccessKeyId><SecretAccessKey>${SecretAccessKey}</SecretAccessKey>
<SessionToken>${SessionToken}</SessionToken><Expiration>${expiration.toISOString()}</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>test</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>`
}

export function refusalText({ code, message }: StsRefusal): string {
  return `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>test</RequestId></ErrorResponse>`
}
