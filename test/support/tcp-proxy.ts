/** A port that passes everything on to another one, and can be shut and opened: a server that goes away and comes back. */
import { createServer, connect, type Server, type Socket } from 'node:net'

export interface TcpProxy {
  port: number
  open(): Promise<void>
  /** Cuts what is connected and refuses what comes. */
  shut(): Promise<void>
}

/** Begins shut. */
export async function tcpProxy(host: string, port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let server: Server | undefined
  const listen = (on: number) =>
    new Promise<number>((resolve, reject) => {
      server = createServer((near) => {
        const far = connect({ host, port })
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          sockets.add(from)
          from.on('error', () => to.destroy())
          from.on('close', () => {
            sockets.delete(from)
            to.destroy()
          })
          from.pipe(to)
        }
      })
      server.once('error', reject)
      server.listen({ host: '127.0.0.1', port: on }, () =>
        resolve((server!.address() as { port: number }).port),
      )
    })
  const shut = async () => {
    const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
    server = undefined
  }
  const own = await listen(0)
  await shut()
  return { port: own, open: async () => void (await listen(own)), shut }
}
