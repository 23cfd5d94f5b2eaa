/**
 * A TCP proxy in front of a real target, for the failures that only a network has: an answer that is lost after the
 * target has acted, a request that arrives late, a connection that is cut between two steps. Knows chunks, no protocol.
 */
import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A chunk on its way to the target, and its number on all connections since the last rule was set, from 1. */
export type Match = (chunk: Buffer, number: number) => boolean

export interface Held {
  /** Settles when a matching chunk has arrived and is being kept back. */
  arrived: Promise<void>
  /** Sends it on, whether or not the client is still there. */
  release(): void
}

type Rule = (chunk: Buffer, number: number, pair: Pair) => 'done' | undefined

interface Pair {
  client: Socket
  target: Socket
  /** Settles when the target answers next, which says that it has acted; its answer is dropped. */
  swallowAnswer(): Promise<void>
  keepTarget: boolean
}

export interface Proxy {
  host: string
  port: number
  /** How many chunks went to the target since the last rule was set. */
  requests(): number
  /** Cuts the connection in place of sending the matching chunk on: the target never hears it. */
  cutBefore(match: Match): void
  /** Sends the matching chunk on, waits for the target's answer, and cuts the connection instead of relaying it. */
  cutAfter(match: Match): void
  /** Keeps the matching chunk back until told. */
  hold(match: Match): Held
  /** Back to relaying everything. */
  relay(): void
  close(): Promise<void>
}

export async function startProxy(target: { host: string; port: number }): Promise<Proxy> {
  let rule: Rule | undefined
  let count = 0
  const sockets = new Set<Socket>()
  const set = (next: Rule | undefined) => {
    rule = next
    count = 0
  }

  const server = createServer((client) => {
    const upstream = createConnection(target)
    let swallow: (() => void) | undefined
    const pair: Pair = {
      client,
      target: upstream,
      keepTarget: false,
      swallowAnswer: () => new Promise((resolve) => (swallow = resolve)),
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    client.on('data', (chunk) => {
      count++
      if (rule?.(chunk, count, pair) === 'done') return
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (swallow) swallow()
      else client.write(chunk)
    })
    client.on('close', () => pair.keepTarget || upstream.destroy())
    client.on('end', () => pair.keepTarget || upstream.end())
    upstream.on('close', () => client.destroySoon())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    requests: () => count,
    relay: () => set(undefined),
    cutBefore: (match) =>
      set((chunk, number, { client, target }) => {
        if (!match(chunk, number)) return undefined
        target.destroy()
        client.destroy()
        return 'done'
      }),
    cutAfter: (match) =>
      set((chunk, number, pair) => {
        if (!match(chunk, number)) return undefined
        void pair.swallowAnswer().then(() => pair.client.destroy())
        pair.target.write(chunk)
        return 'done'
      }),
    hold(match) {
      const arrived = Promise.withResolvers<void>()
      let send = () => {}
      set((chunk, number, pair) => {
        if (!match(chunk, number)) return undefined
        set(undefined)
        pair.keepTarget = true
        send = () => void pair.target.write(chunk)
        arrived.resolve()
        return 'done'
      })
      return { arrived: arrived.promise, release: () => send() }
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await sleep(0)
    },
  }
}
