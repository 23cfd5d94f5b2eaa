/** Databases to rotate credentials at through a connector function: ours as it is deployed, or one as ESC has them. */
import { fileURLToPath } from 'node:url'
import type { AwsLogin } from '../../../rotators/aws-iam/schema.ts'
import type { DatabaseUserInputs } from '../../../rotators/database/schema.ts'
import { startAwsFront, type Address, type AwsFront } from '../aws-front.ts'
import { builtConnector } from './connector.ts'
import { ALL_ACTIONS, REGION, startLambda } from './endpoint.ts'
import type { FunctionSettings, LambdaEndpoint, LambdaFunction } from './endpoint.ts'

export type ConnectorKind = 'ours' | 'existing'

export interface ConnectorTarget {
  called: LambdaFunction
  login: AwsLogin
  /** Where the Invoke API listens. */
  address: Address
  /** Inputs of a direct rotation, by way of the function; and of another address where one is given. */
  through<Inputs extends DatabaseUserInputs>(inputs: Inputs, via?: Address, login?: AwsLogin): Inputs
}

const EXISTING = fileURLToPath(new URL('existing-connector.ts', import.meta.url))

let started: { lambda: LambdaEndpoint; front: AwsFront } | undefined

/** The Lambda of this test process; set in its environment. To be closed with `stopLambda`. */
export async function lambdaOfProcess(): Promise<LambdaEndpoint> {
  if (!started) {
    const lambda = await startLambda()
    started = { lambda, front: await startAwsFront(lambda) }
    process.env.AWS_ENDPOINT_URL_LAMBDA = started.front.endpoint
  }
  return started.lambda
}

export async function stopLambda(): Promise<void> {
  await started?.front.close()
  await started?.lambda.close()
  started = undefined
}

export async function connectorTarget(
  kind: ConnectorKind,
  settings: Partial<FunctionSettings> = {},
): Promise<ConnectorTarget> {
  const lambda = await lambdaOfProcess()
  const handler = kind === 'ours' ? await builtConnector() : EXISTING
  const called = lambda.make({ handler, timeout: 10_000, ...settings })
  const usual = lambda.loginFor(ALL_ACTIONS)
  return {
    called,
    login: usual,
    address: { host: lambda.host, port: lambda.port },
    through(inputs, via, login = usual) {
      const lambdaArn = via ? called.arn.replace(REGION, started!.front.regionAt(via)) : called.arn
      return { ...inputs, database: { ...inputs.database, connector: { awsLambda: { login, lambdaArn } } } }
    },
  }
}
