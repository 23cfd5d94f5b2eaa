/**
 * A call to Temporal that is made, or tried again, after the connection was closed: ended as cancelled, where gRPC would
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
      queueMicrotask(() => {
        // Without a message, if only an empty one, the interceptor before has nothing to hand on with a first try.
        listener?.onReceiveMessage?.(null)
        listener?.onReceiveStatus?.(status)
      })
    },
    sendMessage: nothing,
    halfClose: nothing,
    cancelWithStatus: nothing,
    getPeer: () => 'closed',
  }
}
