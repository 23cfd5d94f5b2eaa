/** An IAM user at the shared moto whose manager may do exactly what the policies of an example's page allow. */
import type { LineApi } from '../server/line-api.ts'
import { awsTarget } from '../support/aws.ts'
import { oidcRole } from '../support/oidc-role.ts'
import { sharedMoto } from '../support/servers.ts'
import { startWebIdentity } from '../support/web-identity.ts'
import type { Page } from './page.ts'
import type { ExampleTarget } from './target.ts'

interface Statement {
  Action: string | string[]
  Principal?: { Federated: string }
  Condition?: { StringEquals: Record<string, string> }
}

export async function iamTarget({ policies }: Page, api: LineApi): Promise<ExampleTarget> {
  const statements = policies.flatMap(({ Statement }) => Statement as Statement[])
  const trust = statements.find(({ Principal }) => Principal !== undefined)
  const actions = statements.filter((one) => one !== trust).flatMap(({ Action }) => Action)
  const target = await awsTarget()
  const login = trust ? await assumedRole(trust, actions, api) : await givenKey()

  async function givenKey() {
    const { accessKeyId, secretAccessKey } = await target.loginFor(actions)
    return {
      point: (text: string) =>
        text
          .replaceAll('AKIAIOSFODNN7EXAMPLE', accessKeyId)
          .replaceAll('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', secretAccessKey),
      dispose: () => Promise.resolve(),
    }
  }

  return {
    point: (text) =>
      login.point(text.replaceAll(/arn:aws:iam::123456789012:user\/\S+/g, target.inputs.userArn)),
    async logsIn(credential) {
      const { accessKeyId, secretAccessKey } = credential as Record<string, string>
      if (accessKeyId === undefined) return undefined
      return await target.logsIn({ accessKeyId, secretAccessKey: secretAccessKey! })
    },
    async dispose() {
      await login.dispose()
      await target.dispose()
    },
  }
}

/** A role that trusts this server as the page says, behind an STS that checks tokens as AWS does. */
async function assumedRole(trust: Statement, actions: string[], api: LineApi) {
  const moto = await sharedMoto()
  const front = await startWebIdentity({ ...moto, endpoint: process.env.AWS_ENDPOINT_URL! })
  process.env.AWS_ENDPOINT_URL_STS = front.endpoint
  const condition = (claim: string) => {
    const [, wanted] = Object.entries(trust.Condition!.StringEquals).find(([name]) =>
      name.endsWith(`:${claim}`),
    )!
    // The organization of the tests has another name.
    return wanted.replace(/\bmain\b/, 'acme')
  }
  const trusted = { audience: condition('aud'), subject: condition('sub') }
  const role = await oidcRole(moto, { issuer: api.url, audiences: [trusted.audience], trusted, actions })
  return {
    point: (text: string) => text.replaceAll('arn:aws:iam::123456789012:role/rekey', role.arn),
    async dispose() {
      delete process.env.AWS_ENDPOINT_URL_STS
      await role.dispose()
      await front.close()
    },
  }
}
