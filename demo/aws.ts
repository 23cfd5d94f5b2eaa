/** The AWS of the demo: moto, which refuses wrong and deleted keys as AWS does, and a user there whose keys are rotated. */
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  IAMClient,
  ListAccessKeysCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { ROTATOR_NOTES } from '../docs/rotator-notes/index.ts'
import { oidcRole } from '../test/support/oidc-role.ts'
import { startMoto } from '../test/support/moto.ts'
import { startWebIdentity } from '../test/support/web-identity.ts'

export interface AccessKey {
  accessKeyId: string
  secretAccessKey: string
}

export interface Aws {
  endpoint: string
  /** May manage the keys of the user below, and nothing else. */
  manager: AccessKey
  userArn: string
  /** The policy that the manager has, as docs/rotators/aws-iam.md gives it to paste. */
  actions: string[]
  /** Whom AWS takes the holder of a key for; undefined when it refuses the key. */
  callerOf(key: AccessKey): Promise<string | undefined>
  /** The ids of the user's keys, as AWS lists them. */
  keyIds(): Promise<string[]>
  /** STS, which checks identity tokens before it hands out a role. */
  stsEndpoint: string
  /** Makes the account trust Rekey; gives the role that the managing login may then have. */
  trust(issuer: string): Promise<string>
  /** Subjects of the tokens that were exchanged for a session, in order. */
  subjects(): string[]
  /** Deletes the manager's key, so that nobody has one. */
  deleteManagerKey(): Promise<void>
  stop(): Promise<void>
}

const USER = 'shop-uploads'
const MANAGER = 'rekey'

/** `folder` must be there. @throws when moto is not installed or does not start. */
export async function startAws(folder: string, signal: AbortSignal): Promise<Aws> {
  const moto = await startMoto(folder, signal)
  const { endpoint } = moto
  const as = ({ accessKeyId, secretAccessKey }: AccessKey) => ({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
  })
  const iam = new IAMClient(as(moto.admin))
  const front = await startWebIdentity(moto)
  const [policy] = ROTATOR_NOTES['aws-iam']!.setup.filter(({ language }) => language === 'json')
  const { Version, Statement } = JSON.parse(policy!.text) as {
    Version: string
    Statement: { Action: string[]; Resource: string }[]
  }
  try {
    const { User } = await iam.send(new CreateUserCommand({ UserName: USER, Path: '/services/' }))
    const userArn = User!.Arn!
    await iam.send(new CreateUserCommand({ UserName: MANAGER }))
    // moto knows actions and no resources; the real AWS would hold the manager to this one user.
    const PolicyDocument = JSON.stringify({
      Version,
      Statement: Statement.map((one) => ({ ...one, Resource: '*' })),
    })
    await iam.send(new PutUserPolicyCommand({ UserName: MANAGER, PolicyName: 'rotate-keys', PolicyDocument }))
    const { AccessKey: made } = await iam.send(new CreateAccessKeyCommand({ UserName: MANAGER }))
    return {
      endpoint,
      userArn,
      manager: { accessKeyId: made!.AccessKeyId!, secretAccessKey: made!.SecretAccessKey! },
      actions: Statement.flatMap(({ Action }) => Action),
      async callerOf(key) {
        const sts = new STSClient(as(key))
        try {
          return (await sts.send(new GetCallerIdentityCommand({}))).Arn
        } catch (error) {
          if (/^(InvalidClientTokenId|SignatureDoesNotMatch)/.test((error as Error).name)) return undefined
          throw error
        } finally {
          sts.destroy()
        }
      },
      async keyIds() {
        const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName: USER }))
        return AccessKeyMetadata.map(({ AccessKeyId }) => AccessKeyId!)
      },
      stsEndpoint: front.endpoint,
      async trust(issuer) {
        const audience = 'aws:main'
        const role = await oidcRole(moto, {
          name: MANAGER,
          issuer,
          audiences: [audience],
          trusted: { audience, subject: 'pulumi:environments:org:main:env:shop/*' },
          actions: Statement.flatMap(({ Action }) => Action),
        })
        return role.arn
      },
      subjects: () => front.sessions.map(({ subject }) => subject),
      async deleteManagerKey() {
        const { AccessKeyId } = made!
        await iam.send(new DeleteAccessKeyCommand({ UserName: MANAGER, AccessKeyId }))
      },
      async stop() {
        iam.destroy()
        await front.close()
        await moto.stop()
      },
    }
  } catch (error) {
    iam.destroy()
    await front.close()
    await moto.stop()
    throw error
  }
}
