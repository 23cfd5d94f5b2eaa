/** IAM users to rotate keys of, as an owner would hand them to Rekey, on the shared moto. */
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  IAMClient,
  ListAccessKeysCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { AccessKey, AwsIamInputs, AwsLogin } from '../../rotators/aws-iam/schema.ts'
import { startAwsFront, type Address } from './aws-front.ts'
import { sharedMoto, uniqueName } from './servers.ts'

/** The least that the rotator needs. */
export const LEAST_ACTIONS = ['iam:ListAccessKeys', 'iam:CreateAccessKey', 'iam:DeleteAccessKey']

export interface AwsTarget {
  inputs: AwsIamInputs & { login: AwsLogin }
  userName: string
  address: Address
  /** The same inputs by way of another address. */
  via(address: Address): AwsIamInputs & { login: AwsLogin }
  /** A key of a new user that may do these actions. */
  loginFor(actions: string[]): Promise<AwsLogin>
  /** What somebody at the console sees and does. */
  keys(): Promise<string[]>
  makeKey(): Promise<AccessKey>
  deleteKey(id: string): Promise<void>
  deleteUser(): Promise<void>
  /** Asks moto itself, without the rotator. */
  logsIn(key: AccessKey): Promise<boolean>
  dispose(): Promise<void>
}

let front: ReturnType<typeof startAwsFront> | undefined

/** The endpoint of this test process; set in its environment, and nothing else of AWS with it. */
async function awsFront(): ReturnType<typeof startAwsFront> {
  // Taken before anything is waited for: users that are made side by side share one.
  const started = await (front ??= sharedMoto().then(startAwsFront))
  process.env.AWS_ENDPOINT_URL = started.endpoint
  // The worker's own, if it has any, must never be used.
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIAOFTHEWORKERITSELF',
    AWS_SECRET_ACCESS_KEY: 'of-the-worker-itself',
    AWS_REGION: 'xx-worker-1',
    AWS_MAX_ATTEMPTS: '5',
  })
  return started
}

export async function awsTarget(options: { path?: string } = {}): Promise<AwsTarget> {
  const moto = await sharedMoto()
  const { endpoint, admin } = moto
  const { regionAt } = await awsFront()
  const iam = new IAMClient({ endpoint, region: 'us-east-1', credentials: admin })
  const made: string[] = []

  async function user(name: string, path = '/'): Promise<string> {
    made.push(name)
    const { User } = await iam.send(new CreateUserCommand({ UserName: name, Path: path }))
    return User!.Arn!
  }
  async function keyOf(UserName: string): Promise<AccessKey> {
    const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName }))
    return { accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! }
  }
  async function loginFor(Action: string[]): Promise<AwsLogin> {
    const UserName = uniqueName('manager')
    await user(UserName)
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
    })
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'may', PolicyDocument }))
    return await keyOf(UserName)
  }
  async function keys(UserName: string): Promise<string[]> {
    const { AccessKeyMetadata } = await iam.send(new ListAccessKeysCommand({ UserName }))
    return (AccessKeyMetadata ?? []).map(({ AccessKeyId }) => AccessKeyId!)
  }
  async function remove(UserName: string): Promise<void> {
    for (const AccessKeyId of await keys(UserName))
      await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }))
    await iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName: 'may' })).catch(() => {})
    await iam.send(new DeleteUserCommand({ UserName }))
  }

  const userName = uniqueName('App')
  const userArn = await user(userName, options.path)
  const inputs = { login: await loginFor(LEAST_ACTIONS), userArn }
  return {
    inputs,
    userName,
    address: { host: moto.host, port: moto.port },
    via: (address) => ({ ...inputs, region: regionAt(address) }),
    loginFor,
    keys: () => keys(userName),
    makeKey: () => keyOf(userName),
    deleteKey: async (AccessKeyId) =>
      void (await iam.send(new DeleteAccessKeyCommand({ UserName: userName, AccessKeyId }))),
    deleteUser: () => remove(made.shift()!),
    async logsIn({ accessKeyId, secretAccessKey }) {
      const credentials = { accessKeyId, secretAccessKey }
      const sts = new STSClient({ endpoint, region: 'us-east-1', credentials })
      try {
        return (await sts.send(new GetCallerIdentityCommand({}))).Arn === userArn
      } catch (error) {
        if (/^(InvalidClientTokenId|SignatureDoesNotMatch)$/.test((error as Error).name)) return false
        throw error
      } finally {
        sts.destroy()
      }
    },
    async dispose() {
      for (const name of made.splice(0)) await remove(name)
      iam.destroy()
    },
  }
}
