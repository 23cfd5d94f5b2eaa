/**
 * The Invoke API of AWS Lambda on the loopback interface: real HTTP, signatures checked, functions in processes of their own
 * with a limit of time and of concurrency. Only what a connector uses: Invoke and GetFunction.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { AwsLogin } from '../../../rotators/aws-iam/schema.ts'
import { Sandbox } from './sandbox.ts'
import { signatureOf } from './signature.ts'

export interface FunctionSettings {
  /** A file that exports `handler`. */
  handler: string
  /** Milliseconds that an invocation may take. */
  timeout?: number
  /** Invocations at the same time; 0 switches the function off. */
  concurrency?: number
  environment?: Record<string, string>
}

export interface LambdaFunction {
  arn: string
  settings: FunctionSettings
  /** Every event that reached the function, in order. */
  events: Record<string, unknown>[]
  /** Answers an invocation without running the function, as the service itself does; undefined for one that is run. */
  answer?: ServiceAnswer | ((event: Record<string, unknown>) => ServiceAnswer | undefined) | undefined
  /** Everything that its processes wrote. */
  log(): string
}

export interface ServiceAnswer {
  status: number
  headers?: Record<string, string>
  body: string
}

export interface LambdaEndpoint {
  host: string
  port: number
  /** Milliseconds for which a signature is good; five minutes at AWS. */
  signatureLifetime: number
  make(settings: FunctionSettings): LambdaFunction
  /** A key that may do these actions. */
  loginFor(actions: string[]): AwsLogin
  close(): Promise<void>
}

export const REGION = 'xx-home-1'
export const ACCOUNT = '123456789012'
export const ALL_ACTIONS = ['lambda:InvokeFunction', 'lambda:GetFunction']

interface Running extends LambdaFunction {
  idle: Sandbox[]
  busy: Set<Sandbox>
}

export async function startLambda(): Promise<LambdaEndpoint> {
  const functions = new Map<string, Running>()
  const keys = new Map<string, { secret: string; actions: string[] }>()
  const sandboxes = new Set<Sandbox>()

  const server = createServer((request, response) => {
    void answer(request)
      .catch((error: unknown) =>
        error instanceof Refusal ? error.answer : fault(500, 'ServiceException', String(error)),
      )
      .then(({ status, headers, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
      })
  })

  async function answer(request: IncomingMessage): Promise<ServiceAnswer> {
    const body = await buffer(request)
    const [, name, what] =
      /^\/2015-03-31\/functions\/([^/]+)(\/invocations)?$/.exec(request.url?.split('?')[0] ?? '') ?? []
    const action = what === undefined ? 'lambda:GetFunction' : 'lambda:InvokeFunction'
    allow(request, body, action)
    const [, , , region, account, , plain] = decodeURIComponent(name ?? '').split(':')
    const found = functions.get(plain ?? '')
    if (!found || account !== ACCOUNT || (region !== REGION && !region?.startsWith('xx-test-')))
      throw new Refusal(
        404,
        'ResourceNotFoundException',
        `Function not found: ${decodeURIComponent(name ?? '')}`,
      )
    if (what === undefined) return describe(found)
    const event = JSON.parse(body.toString('utf8')) as Record<string, unknown>
    const instead = typeof found.answer === 'function' ? found.answer(event) : found.answer
    return instead ?? (await invoke(found, event))
  }

  function allow(request: IncomingMessage, body: Buffer, action: string): void {
    const signed = signatureOf(request, body)
    if (!signed) throw new Refusal(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token')
    const key = keys.get(signed.accessKeyId)
    if (!key)
      throw new Refusal(
        403,
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      )
    if (!signed.isBy(key.secret))
      throw new Refusal(
        403,
        'InvalidSignatureException',
        'The request signature we calculated does not match the signature you provided.',
      )
    if (Date.now() - signed.at > endpoint.signatureLifetime)
      throw new Refusal(403, 'InvalidSignatureException', 'Signature expired: is now earlier than')
    if (!key.actions.includes(action))
      throw new Refusal(403, 'AccessDeniedException', `User is not authorized to perform: ${action}`)
  }

  function describe({ arn, settings }: Running): ServiceAnswer {
    const { timeout = 3_000, concurrency } = settings
    return {
      status: 200,
      body: JSON.stringify({
        Configuration: { FunctionArn: arn, Timeout: Math.ceil(timeout / 1000), State: 'Active' },
        ...(concurrency !== undefined && { Concurrency: { ReservedConcurrentExecutions: concurrency } }),
      }),
    }
  }

  async function invoke(found: Running, event: Record<string, unknown>): Promise<ServiceAnswer> {
    const { handler, timeout = 3_000, concurrency = 100, environment = {} } = found.settings
    if (found.busy.size >= concurrency)
      throw new Refusal(429, 'TooManyRequestsException', 'Rate Exceeded.', {
        Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
      })
    const sandbox = found.idle.pop() ?? new Sandbox(handler, environment)
    sandboxes.add(sandbox)
    found.busy.add(sandbox)
    found.events.push(event)
    const outcome = await sandbox.run(event, timeout)
    found.busy.delete(sandbox)
    if (sandbox.alive && 'payload' in outcome) found.idle.push(sandbox)
    const headers = { 'x-amz-executed-version': '$LATEST', 'x-amzn-requestid': randomUUID() }
    return 'payload' in outcome
      ? { status: 200, headers, body: JSON.stringify(outcome.payload) ?? 'null' }
      : {
          status: 200,
          headers: { ...headers, 'x-amz-function-error': 'Unhandled' },
          body: JSON.stringify(outcome.error),
        }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint: LambdaEndpoint = {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    signatureLifetime: 5 * 60_000,
    make(settings) {
      const name = `connector-${randomUUID()}`
      const made: Running = {
        arn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`,
        settings,
        events: [],
        idle: [],
        busy: new Set(),
        log: () => [...made.idle, ...made.busy].map(({ log }) => log).join(''),
      }
      functions.set(name, made)
      return made
    },
    loginFor(actions) {
      const accessKeyId = `AKIA${randomBytes(8).toString('hex').toUpperCase()}`
      const secretAccessKey = randomBytes(30).toString('base64')
      keys.set(accessKeyId, { secret: secretAccessKey, actions })
      return { accessKeyId, secretAccessKey }
    },
    async close() {
      for (const sandbox of sandboxes) sandbox.end()
      server.closeAllConnections()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
  return endpoint
}

class Refusal extends Error {
  readonly answer: ServiceAnswer

  constructor(status: number, type: string, message: string, more: object = {}) {
    super(message)
    this.answer = fault(status, type, message, more)
  }
}

/** As the service words its own errors. */
export function fault(status: number, type: string, Message: string, more: object = {}): ServiceAnswer {
  return {
    status,
    headers: { 'x-amzn-errortype': type },
    body: JSON.stringify({ Type: 'User', Message, message: Message, ...more }),
  }
}
