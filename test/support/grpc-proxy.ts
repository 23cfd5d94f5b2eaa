/**
 * Stands before a real Temporal: passes everything on to it, but for calls that are denied, as an account with fewer
 * rights sees it; where it is given certificates, over TLS and to those alone who show one of a trusted authority.
 */
import { once } from 'node:events'
import {
  connect,
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
} from 'node:http2'
import type { AddressInfo } from 'node:net'

export interface GrpcProxy {
  /** `127.0.0.1:<port>` */
  address: string
  /** Whoever connects from now on is shown and asked for these. */
  present(tls: Presented): void
  /** Ends every connection; new ones are taken. */
  cut(): void
  close(): Promise<void>
}

/** In PEM. `ca`: of the authorities whose client certificates are taken. */
export interface Presented {
  cert: string
  key: string
  ca: string[]
}

export const PERMISSION_DENIED = 7
export const UNAUTHENTICATED = 16

/**
 * `denies` is asked with the method's path, such as `/temporal.api.operatorservice.v1.OperatorService/AddSearchAttributes`;
 * true stands for PERMISSION_DENIED, a number for a gRPC code of its own.
 */
export async function grpcProxy(
  target: string,
  denies: (path: string, headers: IncomingHttpHeaders) => boolean | number,
  tls?: Presented,
): Promise<GrpcProxy> {
  const far = connect(`http://${target}`)
  far.on('error', () => undefined)
  const secured = tls && createSecureServer({ ...tls, requestCert: true, rejectUnauthorized: true })
  const server = secured ?? createServer()
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => undefined)
  })
  server.on('stream', (near, headers) => {
    near.on('error', () => undefined)
    const denied = denies(headers[':path'] ?? '', headers)
    if (denied !== false) {
      near.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': String(denied === true ? PERMISSION_DENIED : denied),
          'grpc-message': 'hunter2',
        },
        { endStream: true },
      )
      return
    }
    const on = far.request({ ...headers, ':scheme': 'http' })
    on.on('error', () => near.close())
    on.on('response', (answer) => {
      if (!near.destroyed) near.respond(answer, { waitForTrailers: true })
    })
    let trailers = {}
    on.on('trailers', (last) => (trailers = last))
    near.on('wantTrailers', () => near.sendTrailers(trailers))
    near.on('close', () => on.close())
    near.pipe(on)
    on.pipe(near)
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const cut = () => {
    for (const session of sessions) session.destroy()
  }
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    present: (next) => secured?.setSecureContext(next),
    cut,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      cut()
      far.destroy()
      await closed
    },
  }
}
