/** The process in which a function runs: hands events to its handler, and the handler's answers back. See sandbox.ts. */
import { pathToFileURL } from 'node:url'

interface Call {
  event: unknown
  timeout: number
}

type Handler = (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<unknown>

const { handler } = (await import(pathToFileURL(process.argv[2]!).href)) as { handler: Handler }

process.on('message', ({ event, timeout }: Call) => {
  const until = Date.now() + timeout
  void handler(event, { getRemainingTimeInMillis: () => until - Date.now() }).then(
    (payload) => process.send!({ payload }),
    (thrown: unknown) => {
      const { name, message } = thrown as Error
      process.send!({ error: { errorType: name, errorMessage: message } })
    },
  )
})
process.send!('started')
process.on('disconnect', () => process.exit())
