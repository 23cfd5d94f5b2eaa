/**
 * Maps what AWS Lambda reports about a function to closed codes with words of our own. What a function says of itself is
 * foreign text, which may hold passwords: nothing of it gets through.
 */
import { RotationFailure, type FailureCode } from '../../../model/failures.ts'
import { failureOf, KeyRefused, retryAfterOf } from '../../aws-iam/failures.ts'
import type { FunctionArn } from '../aws-lambda.ts'

interface Reported {
  name?: unknown
  message?: unknown
  Reason?: unknown
  $fault?: unknown
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

const LOGIN = 'database.connector.awsLambda.login'

/** What the service answered instead of running the function, or that nobody answered. */
export function serviceFailure(error: unknown, action: string, place: FunctionArn): RotationFailure {
  if (error instanceof RotationFailure) return error
  const { name, message, $fault, $metadata, $response } = error as Reported
  const status = $metadata?.httpStatusCode
  const code = String(name).replace(/Exception$/, '')
  const general = failureOf(error, 'lambda:')
  if ($fault === undefined || status === undefined) return inWords(general, action, place)
  const answered = (failure: FailureCode, words: string) => {
    const retryAfter = retryAfterOf($response?.headers)
    return new RotationFailure(failure, `${words} (${action})`, {
      // Of the service's own faults it is not known whether the function ran before.
      unchanged: status < 500 || NEVER_RAN.test(code),
      ...(retryAfter !== undefined && { retryAfter }),
    })
  }
  const { name: called, region, account } = place
  if (
    general instanceof KeyRefused ||
    (code === 'InvalidSignature' && !/^Signature (expired|not yet)/.test(String(message)))
  )
    return /valid Region/i.test(String(message))
      ? answered(
          'INPUT_INVALID',
          `what answers for the region ${region} is another region of AWS; correct lambdaArn, or AWS_ENDPOINT_URL`,
        )
      : answered('LOGIN_FAILED', `AWS refused ${LOGIN}; correct it`)
  if (general instanceof RotationFailure && general.code === 'TARGET_UNREACHABLE' && status < 500)
    return general
  if (code.startsWith('AccessDenied'))
    return answered(
      'TARGET_DENIED',
      `${LOGIN} may not use the function ${called}; allow lambda:InvokeFunction on it`,
    )
  if (code === 'ResourceNotFound')
    return answered(
      'INPUT_INVALID',
      `the account ${account} has no function ${called} in the region ${region}; correct lambdaArn or deploy it`,
    )
  if (code === 'TooManyRequests' || code === 'EC2Throttled' || status === 429)
    return answered('TARGET_THROTTLED', `the function ${called} is at its limit of concurrency`)
  if (code === 'ResourceConflict' || code === 'ResourceNotReady')
    return answered(
      'TARGET_UNREACHABLE',
      `the function ${called} is being set up, updated or woken; it takes no events yet`,
    )
  if (/^(EC2|ENI|Subnet|InvalidSubnet|InvalidSecurityGroup)/.test(code))
    return answered(
      'CONNECTOR_FAILED',
      `the function ${called} gets no place in its network (${wordOf(code)}); look at its subnets and security groups`,
    )
  if (code.startsWith('KMS'))
    return answered(
      'CONNECTOR_FAILED',
      `AWS cannot decrypt the settings of the function ${called} (${wordOf(code)})`,
    )
  if (/^(InvalidRuntime|InvalidZipFile|SnapStart|CodeVerificationFailed|EFS)/.test(code))
    return answered('CONNECTOR_FAILED', `AWS cannot start the function ${called} (${wordOf(code)})`)
  if (status >= 500) return answered('TARGET_UNREACHABLE', 'AWS Lambda reports a fault of its own')
  return answered('CONNECTOR_FAILED', `AWS Lambda refuses to run the function ${called} (${wordOf(code)})`)
}

const NEVER_RAN =
  /^(EC2|ENI|Subnet|InvalidSubnet|InvalidSecurityGroup|KMS|InvalidRuntime|InvalidZipFile|ResourceNotReady)/

/** The function was switched off: it may run nought times at once. */
export function switchedOff({ name }: FunctionArn): RotationFailure {
  return new RotationFailure(
    'CONNECTOR_FAILED',
    `the function ${name} is switched off: its reserved concurrency is 0`,
    { unchanged: true },
  )
}

/** @param payload what the runtime says of how the function ended */
export function brokenFunction(
  payload: unknown,
  { name }: FunctionArn,
): { failed: RotationFailure; crashed: boolean } {
  const { errorType, errorMessage } = (payload ?? {}) as Record<string, unknown>
  const failed = (code: FailureCode, words: string) => ({
    failed: new RotationFailure(code, words),
    crashed: true,
  })
  if (errorType === 'Sandbox.Timedout' || /Task timed out after/.test(String(errorMessage)))
    return failed(
      'TARGET_TIMEOUT',
      `the function ${name} was ended by its own time limit; the database did not answer it in time: look at its subnets and security groups, or raise its timeout`,
    )
  if (String(errorType).startsWith('Runtime.'))
    return failed(
      'CONNECTOR_FAILED',
      `the function ${name} broke down (${wordOf(String(errorType).slice(8))}); see its log`,
    )
  return {
    failed: new RotationFailure(
      'CONNECTOR_FAILED',
      `the function ${name} ended in an error of its own; see its log`,
    ),
    crashed: false,
  }
}

/** What answers is no connector. */
export function noConnector({ name }: FunctionArn): RotationFailure {
  return new RotationFailure(
    'CONNECTOR_FAILED',
    `the function ${name} does not answer as a connector does; lambdaArn may name another function`,
  )
}

/** What answers is no service of AWS. */
export function notLambda({ region }: FunctionArn): RotationFailure {
  return new RotationFailure(
    'TARGET_UNREACHABLE',
    `what answers in place of AWS Lambda in the region ${region} is not AWS; check the network and AWS_ENDPOINT_URL`,
  )
}

function inWords(general: Error, action: string, { region }: FunctionArn): RotationFailure {
  if (!(general instanceof RotationFailure)) return new RotationFailure('INTERNAL')
  if (general.code === 'TARGET_TIMEOUT')
    return general.withWords(`AWS Lambda did not answer in time (${action})`)
  return general.withWords(
    `AWS Lambda in the region ${region} could not be reached, or what answered is not AWS (${action}); check lambdaArn, the network and AWS_ENDPOINT_URL`,
  )
}

/** A code that AWS made up is fit to be shown; anything else may be a text of somebody else's. */
function wordOf(code: string): string {
  return /^[A-Za-z0-9]{3,60}$/.test(code) ? code : 'an unknown error'
}
