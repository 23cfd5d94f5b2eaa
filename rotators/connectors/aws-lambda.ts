/** The input `database.connector.awsLambda`: which function, in whose name. Refuses what cannot be, asks nobody. */
import { RotationFailure } from '../../model/failures.ts'
import type { AwsLogin } from '../aws-iam/schema.ts'
import { credentialsOf } from '../aws-iam/user.ts'
import type { DatabaseUserInputs } from '../database/schema.ts'

export interface FunctionArn {
  arn: string
  region: string
  account: string
  /** With its version or alias, if it has one. */
  name: string
}

export interface FunctionPlace extends FunctionArn {
  login: AwsLogin
}

const ARN =
  /^arn:aws[a-z-]*:lambda:([a-z0-9]+(?:-[a-z0-9]+)+):([0-9]{12}):function:([A-Za-z0-9_-]{1,64}(?::(?:\$LATEST|[A-Za-z0-9_-]{1,128}))?)$/

/** Undefined without a connector. @throws RotationFailure INPUT_INVALID */
export function functionArnOf({ database }: DatabaseUserInputs): FunctionArn | undefined {
  const connector: unknown = database?.connector
  if (connector === undefined || connector === null) return undefined
  const { awsLambda } = connector as { awsLambda?: { lambdaArn?: unknown } }
  if (typeof awsLambda !== 'object' || awsLambda === null)
    throw invalid('database.connector must hold awsLambda, the one connector that there is')
  const arn = awsLambda.lambdaArn
  const [, region, account, name] = typeof arn === 'string' ? (ARN.exec(arn) ?? []) : []
  if (typeof arn !== 'string' || region === undefined || account === undefined || name === undefined)
    throw invalid(
      'database.connector.awsLambda.lambdaArn must be the ARN of a Lambda function, as in arn:aws:lambda:eu-central-1:123456789012:function:name',
    )
  return { arn, region, account, name }
}

/** Undefined without a connector. @throws RotationFailure INPUT_INVALID */
export function functionOf(inputs: DatabaseUserInputs): FunctionPlace | undefined {
  const place = functionArnOf(inputs)
  if (!place) return undefined
  const { awsLambda } = inputs.database.connector as { awsLambda: { login?: unknown } }
  return { ...place, login: credentialsOf(awsLambda.login, 'database.connector.awsLambda.login') }
}

function invalid(words: string): RotationFailure {
  return new RotationFailure('INPUT_INVALID', words)
}
