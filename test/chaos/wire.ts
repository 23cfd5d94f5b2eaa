/**
 * A TCP proxy in front of one target that does to it what networks do, and notes what passed. What a client has sent
 * completely is delivered even when the client is gone, and the target's answer is always heard here.
 */
import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Conversation, Sent } from './targets/target.ts'
import { now } from './targets/target.ts'

type On = { on: 'change' | 'commit'; skip?: number }

/** Times in milliseconds. `skip`: so many changes pass before the one that is struck. */
export type WireFault =
  | { name: 'target outage'; for: number }
  /** The next change arrives and is answered; then the target is away. */
  | ({ name: 'outage after a change'; away: number } & On)
  | { name: 'slow target'; for: number; delay: number }
  /** The next change never arrives; then the target is away. */
  | ({ name: 'request lost'; away?: number } & On)
  /** The next change arrives, its answer does not, so many times; then the target is away. */
  | ({ name: 'answer lost'; away?: number; times?: number } & On)
  /** The next change arrives late, whoever still waits. */
  | ({ name: 'late landing'; hold: number } & On)
  | { name: 'throttling'; times: number; changes?: boolean }
  | { name: 'value refused'; times: number }

export interface Wire {
  host: string
  port: number
  /** Replaces what was armed before. */
  arm(fault: WireFault): void
  disarm(): void
  /** True as long as what was armed may still strike. */
  armed(): boolean
  /** Settles when nothing is on its way any more. */
  quiet(): Promise<void>
  close(): Promise<void>
}

export interface WireOptions {
  target: { host: string; port: number }
  converse(): Conversation
  /** Told when an armed fault struck. */
  struck(fault: WireFault): void
}

/** How long the answer to something that was delivered is waited for when its client has gone. */
const LAST_ANSWER = 3_000

export async function startWire({ target, converse, struck }: WireOptions): Promise<Wire> {
  let fault: WireFault | undefined
  let since = 0
  let hits = 0
  const sockets = new Set<Socket>()
  const pending = new Set<Promise<unknown>>()

  const inTime = (limit: number) => now() - since < limit
  const strike = () => {
    if (fault && hits++ === 0) struck(fault)
  }
  const spend = () => {
    if (hits === 0) strike()
    const away = fault && 'away' in fault ? fault.away : undefined
    fault = away === undefined ? undefined : { name: 'target outage', for: away }
    since = now()
  }

  const server = createServer((client) => {
    if (fault?.name === 'target outage' && inTime(fault.for)) {
      strike()
      client.on('error', () => {}).destroy()
      return
    }
    const upstream = createConnection(target)
    const conversation = converse()
    let deaf = false
    let goodbye = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    let line: Promise<unknown> = Promise.resolve()
    const after = (work: () => Promise<void>) => {
      const next = line.then(work)
      line = next
      pending.add(next)
      void next.finally(() => pending.delete(next))
    }
    const deliver = (chunk: Buffer) => {
      if (!upstream.destroyed) upstream.write(chunk)
    }
    const leave = () => {
      if (goodbye) return
      goodbye = true
      after(async () => {
        upstream.end()
        await Promise.race([
          once(upstream, 'close').catch(() => {}),
          sleep(LAST_ANSWER, undefined, { ref: false }),
        ])
        upstream.destroy()
      })
    }

    client.on('data', (chunk) => {
      const sent = conversation.sent(chunk)
      after(() => pass(chunk, sent))
    })
    async function pass(chunk: Buffer, sent: Sent | undefined): Promise<void> {
      const strikes = (rule: On) => {
        if (sent?.moments.includes(rule.on) !== true) return false
        if (rule.skip === undefined || rule.skip === 0) return true
        rule.skip -= 1
        return false
      }
      switch (fault?.name) {
        case undefined:
          break
        case 'target outage':
          if (!inTime(fault.for)) break
          strike()
          client.destroy()
          return
        case 'slow target':
          if (!inTime(fault.for)) break
          strike()
          await sleep(fault.delay)
          break
        case 'request lost':
          if (!strikes(fault)) break
          spend()
          client.destroy()
          return
        case 'answer lost':
          if (!strikes(fault)) break
          strike()
          deaf = true
          if (hits >= (fault.times ?? 1)) spend()
          break
        case 'outage after a change': {
          if (!strikes(fault)) break
          const { away } = fault
          fault = undefined
          upstream.once('data', () => {
            fault = { name: 'target outage', for: away }
            since = now()
          })
          break
        }
        case 'late landing': {
          if (!strikes(fault)) break
          const { hold } = fault
          spend()
          await sleep(hold)
          break
        }
        case 'throttling':
        case 'value refused': {
          if (fault.name === 'throttling' && fault.changes && sent?.moments.length === 0) break
          const answer = fault.name === 'throttling' ? sent?.throttled : sent?.refused
          if (answer === undefined) break
          strike()
          if (hits >= fault.times) fault = undefined
          client.write(answer)
          return
        }
      }
      deliver(chunk)
      sent?.delivered?.()
    }
    upstream.on('data', (chunk) => {
      conversation.answered(chunk)
      if (deaf) client.destroy()
      else if (!client.destroyed) client.write(chunk)
    })
    client.on('close', leave).on('end', leave)
    upstream.on('close', () => client.destroySoon())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    arm(next) {
      fault = { ...next }
      since = now()
      hits = 0
      if (next.name === 'target outage')
        for (const socket of sockets) if (!isUpstream(socket, target)) socket.destroy()
    },
    disarm: () => (fault = undefined),
    armed: () => fault !== undefined && !('for' in fault && !inTime(fault.for)),
    async quiet() {
      while (pending.size > 0) await Promise.allSettled(pending)
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await sleep(0)
    },
  }
}

function isUpstream(socket: Socket, target: { port: number }): boolean {
  return socket.remotePort === target.port
}
