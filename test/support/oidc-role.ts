/** A role at the shared moto that trusts one issuer, as an administrator of the account would make it. */
import { randomUUID } from 'node:crypto'
import {
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  DeleteOpenIDConnectProviderCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { withoutScheme } from './token-check.ts'
import type { Upstream } from './web-identity.ts'

export interface OidcRole {
  arn: string
  /** Trusts this audience and this subject (or pattern) from here on. */
  trust(condition: { audience: string; subject: string }): Promise<void>
  dispose(): Promise<void>
}

export interface OidcRoleOptions {
  /** Of the role; one that nothing else has where absent. */
  name?: string
  issuer: string
  /** The client ids of the identity provider. */
  audiences: string[]
  trusted: { audience: string; subject: string }
  /** What the role may do. */
  actions: string[]
}

export async function oidcRole(
  { endpoint, admin }: Upstream,
  { name: RoleName = `rekey-${randomUUID()}`, issuer, audiences, trusted, actions }: OidcRoleOptions,
): Promise<OidcRole> {
  const iam = new IAMClient({ endpoint, region: 'us-east-1', credentials: admin })
  const { User } = await iam.send(new GetUserCommand({ UserName: 'administrator' }))
  const { OpenIDConnectProviderArn: provider } = await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url: issuer, ClientIDList: audiences }),
  )
  const name = withoutScheme(issuer)
  const document = ({ audience, subject }: OidcRoleOptions['trusted']) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Federated: provider },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: {
            StringEquals: { [`${name}:aud`]: audience },
            StringLike: { [`${name}:sub`]: subject },
          },
        },
        // For the front, which asks moto for the session when it has checked the token.
        { Effect: 'Allow', Principal: { AWS: User!.Arn }, Action: 'sts:AssumeRole' },
      ],
    })
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document(trusted) }),
  )
  await iam.send(
    new PutRolePolicyCommand({
      RoleName,
      PolicyName: 'may',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
      }),
    }),
  )
  return {
    arn: Role!.Arn!,
    trust: async (condition) =>
      void (await iam.send(
        new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: document(condition) }),
      )),
    async dispose() {
      await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'may' }))
      await iam.send(new DeleteRoleCommand({ RoleName }))
      await iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: provider! }))
      iam.destroy()
    },
  }
}
