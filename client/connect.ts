/** The connection to Temporal from outside of workflows. Lazy: Temporal may come up later than whoever asks. */
import { hostname } from 'node:os'
import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client'
import type { Tracing } from '../telemetry/tracing.ts'
import type { TemporalAccess } from './access.ts'
import { channelCredentials, channelOptions } from './channel-credentials.ts'
import { endedByClose } from './closed-channel.ts'
import { handTraceOn } from './hand-trace-on.ts'

export interface TemporalOptions {
  address: string
  namespace: string
  /** Without it the connection is plain, and nobody is told who we are. */
  access?: TemporalAccess
  /** Whose trace the workflows that are started belong to; none when absent. */
  tracing?: Tracing
}

/** Milliseconds that one call to Temporal may take. */
const CALL_DEADLINE = 10_000

export function connectTemporal({ address, namespace, access, tracing }: TemporalOptions): Client {
  const credentials = access && channelCredentials(access)
  const connection = Connection.lazy({
    address,
    connectTimeout: CALL_DEADLINE,
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), endedByClose],
    // Else gRPC waits for up to two minutes before it looks again for a Temporal that was away for long.
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': 500,
      'grpc.max_reconnect_backoff_ms': 5_000,
      ...(access && channelOptions(access)),
    },
    ...(credentials && { credentials }),
  })
  // Asked anew for every call. An API key comes with TLS alone (credentials.ts), never by itself.
  if (access?.credentials.apiKey !== undefined) connection.setApiKey(() => access.credentials.apiKey ?? '')
  return new Client({
    connection,
    namespace,
    identity: identityOf('client'),
    ...(tracing?.isOn && { interceptors: { workflow: [handTraceOn(tracing)] } }),
  })
}

/** Temporal keeps this with every event: the program and its machine, and no more. */
export function identityOf(program: string): string {
  return `rekey ${program} on ${hostname()}`
}

/** gRPC codes of a Temporal that does not answer, rather than of one that says no. */
const AWAY: readonly unknown[] = [1, 4, 14]

/** True for an error that says only that Temporal did not answer. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return AWAY.includes((error as { code?: unknown }).code) || isAway(error.cause)
}

/** Throws when Temporal does not answer or lacks the namespace. */
export async function pingTemporal(client: Client, deadline = 3_000): Promise<void> {
  await client.connection.withDeadline(Date.now() + deadline, () =>
    client.workflowService.describeNamespace({ namespace: client.options.namespace }),
  )
}
