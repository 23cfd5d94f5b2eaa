/**
 * The AWS SDK, held to our terms: one request is sent once, every wait has a deadline, and credentials and region are
 * those given, never the worker's own. Endpoints follow the SDK's standard settings (AWS_ENDPOINT_URL and its kin).
 */
import type * as Iam from '@aws-sdk/client-iam'
import type * as Sts from '@aws-sdk/client-sts'
import { RotationFailure } from '../../model/failures.ts'
import { failureOf } from './failures.ts'
import type { Action } from './failures.ts'
import type { AwsLogin } from './schema.ts'

export interface Deadlines {
  /** Ends what is under way, reading alone. */
  signal: AbortSignal
  /** Milliseconds for one request and its answer. */
  timeout: number
}

interface Sender {
  send(command: never, options: { abortSignal: AbortSignal }): Promise<unknown>
}

export class Aws {
  readonly iam: typeof Iam
  readonly sts: typeof Sts
  readonly #clients: { iam: Iam.IAMClient; sts: Sts.STSClient }

  private constructor(iam: typeof Iam, sts: typeof Sts, clients: { iam: Iam.IAMClient; sts: Sts.STSClient }) {
    this.iam = iam
    this.sts = sts
    this.#clients = clients
  }

  /** Works with the SDK in the name of a login, and lets go of its connections after it. */
  static async as<T>(login: AwsLogin, region: string, work: (aws: Aws) => Promise<T>): Promise<T> {
    // Hundreds of commands: only those who talk to AWS load them.
    const [iam, sts] = await Promise.all([import('@aws-sdk/client-iam'), import('@aws-sdk/client-sts')])
    const { accessKeyId, secretAccessKey, sessionToken } = login
    const agent = { keepAlive: true, maxSockets: 1 }
    const options = {
      region,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
      // The SDK's own retry after a lost answer would make a second key.
      maxAttempts: 1,
      retryMode: 'standard',
      defaultsMode: 'standard' as const,
      requestHandler: { httpAgent: agent, httpsAgent: agent },
      customUserAgent: 'rekey',
    }
    const clients = { iam: new iam.IAMClient(options), sts: new sts.STSClient(options) }
    try {
      return await work(new Aws(iam, sts, clients))
    } finally {
      clients.iam.destroy()
      clients.sts.destroy()
    }
  }

  /** @throws RotationFailure, KeyRefused, NoRoom, NoSuchThing */
  async ask<T>(action: Action, command: unknown, { signal, timeout }: Deadlines): Promise<T> {
    const stop = new AbortController()
    const over = Promise.withResolvers<never>()
    over.promise.catch(() => {})
    const end = (failure: RotationFailure) => {
      over.reject(failure)
      stop.abort()
    }
    const called = () => end(new RotationFailure('CANCELLED', 'stopped before anything was changed'))
    const timer = setTimeout(
      () => end(new RotationFailure('TARGET_TIMEOUT', `AWS did not answer in time (${action})`)),
      timeout,
    )
    signal.addEventListener('abort', called)
    if (signal.aborted) called()
    const client: Sender = this.#clients[action.startsWith('iam:') ? 'iam' : 'sts']
    try {
      const answer = signal.aborted
        ? over.promise
        : client.send(command as never, { abortSignal: stop.signal })
      return (await Promise.race([over.promise, answer])) as T
    } catch (error) {
      // An answer that trickles in after this is nobody's.
      stop.abort()
      throw failureOf(error, action)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', called)
    }
  }
}
