/** The connection that the worker takes its work over, and the one in its place when the credentials have changed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { NativeConnection, type NativeConnectionOptions, type Worker } from '@temporalio/worker'
import type { Logger } from 'pino'
import { originOf } from '../activities/guarded.ts'
import type { TemporalAccess } from '../client/access.ts'

/** Milliseconds between two tries with new credentials. */
const RETRY_AFTER = 1_000

export interface WorkerConnection {
  readonly connection: NativeConnection
  /** From now on the worker gets each new connection; what it has begun on the one before ends there. */
  lendTo(worker: Worker): void
  /** After the worker has ended. */
  close(): Promise<void>
}

/** Undefined when the signal fires before Temporal answers. @throws when Temporal does not, or refuses us */
export async function connectWorker(
  access: TemporalAccess,
  log: Pick<Logger, 'info' | 'warn'>,
  signal: AbortSignal,
): Promise<WorkerConnection | undefined> {
  const first = await connectUnless(access, signal)
  if (first === undefined) return undefined
  let connection = first
  let worker: Worker | undefined
  let replacing = Promise.resolve()
  const closing = new AbortController()
  const stop = access.onChange(() => void (replacing = replacing.then(replace)))
  return {
    get connection() {
      return connection
    },
    lendTo: (one) => {
      worker = one
      if (one.connection !== connection) one.connection = connection
    },
    close: async () => {
      stop()
      closing.abort()
      await replacing
      await connection.close()
    },
  }

  async function replace(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const next = await connectUnless(access, closing.signal)
        if (next === undefined) return
        const before = connection
        // A worker that has ended meanwhile takes none.
        if (worker?.getState() === 'RUNNING') worker.connection = next
        connection = next
        log.info('the worker has connected to Temporal with the new credentials')
        return await before.close()
      } catch (error) {
        log.warn(originOf(error), 'Temporal cannot be reached with the new credentials; trying again')
        await sleep(RETRY_AFTER, undefined, { signal: closing.signal }).catch(() => undefined)
      }
    }
  }
}

/** The SDK itself has more patience than whoever stops the worker. */
async function connectUnless(
  access: TemporalAccess,
  signal: AbortSignal,
): Promise<NativeConnection | undefined> {
  const connecting = NativeConnection.connect(optionsOf(access))
  const stopped = Promise.withResolvers<undefined>()
  const stop = () => stopped.resolve(undefined)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    const connection = await Promise.race([connecting, stopped.promise])
    if (connection === undefined)
      void connecting.then(
        (late) => late.close(),
        () => undefined,
      )
    return connection
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function optionsOf({ address, credentials: { tls, apiKey } }: TemporalAccess): NativeConnectionOptions {
  return {
    address,
    ...(tls && {
      tls: {
        serverRootCACertificate: tls.ca,
        ...(tls.client && { clientCertPair: { crt: tls.client.certificate, key: tls.client.key } }),
        ...(tls.serverName !== undefined && { serverNameOverride: tls.serverName }),
      },
    }),
    ...(apiKey !== undefined && { apiKey }),
  }
}
