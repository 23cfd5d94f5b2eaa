/**
 * A call to Temporal that is to be tried again after the connection was closed: ended as cancelled, where gRPC would
 * throw out of a timer and end the whole program.
 */
import type { ConnectionOptions } from '@temporalio/client'

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number]
type Call = ReturnType<Interceptor>

const CANCELLED = 1

/** To stand behind the interceptor that tries again. */
export const endedByClose: Interceptor = (options, nextCall) => {
  try {
    return nextCall(options) as Call
  } catch (error) {
    if (!(error instanceof Error && error.message === 'Channel has been shut down')) throw error
    return cancelledCall() as Call
  }
}

function cancelledCall(): Pick<Call, 'start' | 'sendMessage' | 'halfClose' | 'cancelWithStatus' | 'getPeer'> {
  const nothing = () => undefined
  return {
    start: (metadata, listener) => {
      const status = { code: CANCELLED, details: 'the connection was closed', metadata }
      queueMicrotask(() => listener?.onReceiveStatus?.(status))
    },
    sendMessage: nothing,
    halfClose: nothing,
    cancelWithStatus: nothing,
    getPeer: () => 'closed',
  }
}
