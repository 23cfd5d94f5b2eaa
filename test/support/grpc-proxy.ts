/** Temporal as an account with fewer rights sees it: everything is passed on to a real one, but for calls that are denied. */
import { connect, createServer, type ServerHttp2Session } from 'node:http2'

export interface GrpcProxy {
  /** `127.0.0.1:<port>` */
  address: string
  close(): Promise<void>
}

const PERMISSION_DENIED = '7'

/** `denies` is asked with the method's path, such as `/temporal.api.operatorservice.v1.OperatorService/AddSearchAttributes`. */
export async function grpcProxy(target: string, denies: (path: string) => boolean): Promise<GrpcProxy> {
  const far = connect(`http://${target}`)
  far.on('error', () => undefined)
  const server = createServer()
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => undefined)
  })
  server.on('stream', (near, headers) => {
    near.on('error', () => undefined)
    if (denies(headers[':path'] ?? '')) {
      near.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': PERMISSION_DENIED,
          'grpc-message': 'hunter2',
        },
        { endStream: true },
      )
      return
    }
    const on = far.request(headers)
    on.on('error', () => near.close())
    on.on('response', (answer) => near.respond(answer, { waitForTrailers: true }))
    let trailers = {}
    on.on('trailers', (last) => (trailers = last))
    near.on('wantTrailers', () => near.sendTrailers(trailers))
    near.on('close', () => on.close())
    near.pipe(on)
    on.pipe(near)
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, () => resolve((server.address() as { port: number }).port))
  })
  return {
    address: `127.0.0.1:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const session of sessions) session.destroy()
      far.destroy()
      await closed
    },
  }
}
