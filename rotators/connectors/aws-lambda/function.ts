/**
 * One function, invoked through the AWS SDK on our terms: each request is sent once, every wait has a deadline, credentials
 * and region are those given. Knows events and answers as JSON, not what they mean.
 */
import type * as Sdk from '@aws-sdk/client-lambda'
import type { GetFunctionCommandOutput, InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda'
import { RotationFailure } from '../../../model/failures.ts'
import type { FunctionPlace } from '../aws-lambda.ts'
import { brokenFunction, notLambda, serviceFailure } from './failures.ts'

export interface Waiting {
  /** Heeded until the request is sent; absent for what matters more than whoever lost interest. */
  signal?: AbortSignal
  /** Milliseconds for the request and its answer. */
  timeout: number
  /** Milliseconds since 1970. A request that is signed before and would go out later is not sent. */
  sendBy?: number
}

/** What the function gave back: a payload that is JSON, or an error that it ended with. */
export type Invoked = { payload: unknown } | { failed: RotationFailure; crashed: boolean }

/** More is no answer of a connector. */
const LONGEST_ANSWER = 256 * 1024

export class ConnectorFunction {
  readonly place: FunctionPlace
  readonly #sdk: typeof Sdk
  readonly #client: LambdaClient
  #sendBy = Number.POSITIVE_INFINITY

  private constructor(place: FunctionPlace, sdk: typeof Sdk, client: LambdaClient) {
    this.place = place
    this.#sdk = sdk
    this.#client = client
    // After signing: a process that is stopped from here on sends a signature that AWS finds too old.
    client.middlewareStack.add(
      (next) => async (given) => {
        if (Date.now() > this.#sendBy)
          throw new RotationFailure(
            'TARGET_TIMEOUT',
            'the change was not sent: too much time had passed before it',
            { unchanged: true },
          )
        return await next(given)
      },
      { step: 'deserialize', name: 'rekeySendBy', priority: 'low' },
    )
  }

  /** Lets go of its connections after the work. */
  static async as<T>(place: FunctionPlace, work: (called: ConnectorFunction) => Promise<T>): Promise<T> {
    // Only those who have such a connector load it.
    const sdk = await import('@aws-sdk/client-lambda')
    const { accessKeyId, secretAccessKey, sessionToken } = place.login
    const agent = { keepAlive: true, maxSockets: 1 }
    const client = new sdk.LambdaClient({
      region: place.region,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
      // The SDK's own retry after a lost answer would run the function again.
      maxAttempts: 1,
      retryMode: 'standard',
      defaultsMode: 'standard',
      requestHandler: { httpAgent: agent, httpsAgent: agent },
      customUserAgent: 'rekey',
    })
    try {
      return await work(new ConnectorFunction(place, sdk, client))
    } finally {
      client.destroy()
    }
  }

  /** @throws RotationFailure when the service, not the function, answered or nobody did */
  async invoke(event: unknown, waiting: Waiting): Promise<Invoked> {
    const command = new this.#sdk.InvokeCommand({
      FunctionName: this.place.arn,
      InvocationType: 'RequestResponse',
      Payload: Buffer.from(JSON.stringify(event)),
    })
    const { FunctionError, Payload, $metadata } = await this.#send<InvokeCommandOutput>(
      'lambda:InvokeFunction',
      command,
      waiting,
    )
    const payload = parsed(Payload)
    // Whatever Lambda answers has a number.
    if (payload === undefined && $metadata.requestId === undefined) throw notLambda(this.place)
    if (FunctionError === undefined) return { payload }
    return brokenFunction(payload, this.place)
  }

  /** What the service knows of it; undefined where the login may not ask. @throws RotationFailure */
  async describe(waiting: Waiting): Promise<{ timeout: number | undefined; isOff: boolean } | undefined> {
    const command = new this.#sdk.GetFunctionCommand({ FunctionName: this.place.arn })
    try {
      const { Configuration, Concurrency } = await this.#send<GetFunctionCommandOutput>(
        'lambda:GetFunction',
        command,
        waiting,
      )
      const seconds = Configuration?.Timeout
      return {
        timeout: seconds === undefined ? undefined : seconds * 1000,
        isOff: Concurrency?.ReservedConcurrentExecutions === 0,
      }
    } catch (error) {
      if (error instanceof RotationFailure && error.code === 'TARGET_DENIED') return undefined
      throw error
    }
  }

  async #send<T>(action: string, command: unknown, { signal, timeout, sendBy }: Waiting): Promise<T> {
    const stop = new AbortController()
    const over = Promise.withResolvers<never>()
    over.promise.catch(() => {})
    const end = (failure: RotationFailure) => {
      over.reject(failure)
      stop.abort()
    }
    const called = () => end(new RotationFailure('CANCELLED', 'stopped before anything was changed'))
    const late = `AWS Lambda did not answer in time (${action})`
    const timer = setTimeout(() => end(new RotationFailure('TARGET_TIMEOUT', late)), timeout)
    signal?.addEventListener('abort', called)
    if (signal?.aborted) called()
    this.#sendBy = sendBy ?? Number.POSITIVE_INFINITY
    const sender = this.#client as unknown as {
      send(command: unknown, options: { abortSignal: AbortSignal }): Promise<T>
    }
    try {
      const answer = signal?.aborted ? over.promise : sender.send(command, { abortSignal: stop.signal })
      return await Promise.race([over.promise, answer])
    } catch (error) {
      // An answer that trickles in after this is nobody's.
      stop.abort()
      throw serviceFailure(error, action, this.place)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', called)
    }
  }
}

function parsed(payload: Uint8Array | undefined): unknown {
  if (payload === undefined || payload.length > LONGEST_ANSWER) return undefined
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}
