/**
 * What AWS_ENDPOINT_URL names in a test process: passes each connection on to moto, or to where the region of its first
 * request is routed. The SDK takes one endpoint a process; a region of its own puts a proxy in front of one user alone.
 */
import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

export interface Address {
  host: string
  port: number
}

export interface AwsFront {
  endpoint: string
  /** A name for the input `region` whose requests go to this address. */
  regionAt(address: Address): string
  close(): Promise<void>
}

const REGION = /Credential=[^/\s]+\/\d{8}\/([^/\s]+)\//
const LONGEST_HEAD = 64 * 1024

export async function startAwsFront(moto: Address): Promise<AwsFront> {
  const routes = new Map<string, Address>()
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }
  const connect = (client: Socket, head: Buffer, region: string) => {
    const upstream = createConnection(routes.get(region) ?? moto)
    keep(upstream)
    upstream.write(head)
    client.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk) => client.write(chunk))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroySoon())
    if (client.destroyed) upstream.destroy()
  }
  const server = createServer((client) => {
    keep(client)
    let head = Buffer.alloc(0)
    const read = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk])
      const region = REGION.exec(head.toString('latin1'))?.[1]
      if (region === undefined && head.length < LONGEST_HEAD) return
      client.off('data', read)
      connect(client, head, region ?? '')
    }
    client.on('data', read)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    regionAt(address) {
      const region = `xx-test-${routes.size + 1}`
      routes.set(region, address)
      return region
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
