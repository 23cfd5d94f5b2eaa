/** Our connector function, built as it is deployed, behind an Invoke API that lets in whom the policy of a page allows. */
import { connectorTarget, lambdaOfProcess, stopLambda } from '../support/lambda/target.ts'
import type { Page } from './page.ts'
import type { ExampleTarget } from './target.ts'

export async function lambdaTarget({ policies }: Page): Promise<ExampleTarget> {
  const statements = policies.flatMap(({ Statement }) => Statement as { Action: string | string[] }[])
  const lambda = await lambdaOfProcess()
  const { called } = await connectorTarget('ours')
  const login = lambda.loginFor(statements.flatMap(({ Action }) => Action))
  return {
    point: (text) =>
      text
        .replaceAll('arn:aws:lambda:eu-central-1:123456789012:function:rekey-connector', called.arn)
        .replaceAll('AKIAIOSFODNN7EXAMPLE', login.accessKeyId)
        .replaceAll('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', login.secretAccessKey),
    logsIn: () => Promise.resolve(undefined),
    async dispose() {
      // Otherwise the password was set by some other way.
      if (called.events.length === 0) throw new Error('the connector function was never invoked')
      delete process.env.AWS_ENDPOINT_URL_LAMBDA
      await stopLambda()
    },
  }
}
