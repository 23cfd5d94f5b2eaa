/**
 * A parcel service to rotate at: accounts with two tokens each, and an HTTP API that a managing token changes them by. It
 * keeps to what it promises: a change that comes after its `Not-After`, or whose client has hung up, is not made.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Parcels {
  host: string
  port: number
  account: string
  /** May change the tokens of accounts; may only look. */
  managing: string
  looking: string
  tokens: Map<string, string>
  /** Keeps changes of a slot waiting until the answer is called. */
  lock(slot: string): () => void
  /** From now on only tokens of at least this length are accepted. */
  demand(length: number): void
  close(): Promise<void>
}

export async function startParcels(): Promise<Parcels> {
  const [managing, looking, account] = [randomUUID(), randomUUID(), `shop-${randomUUID().slice(0, 8)}`]
  const tokens = new Map<string, string>([
    ['a', ''],
    ['b', ''],
  ])
  const locked = new Set<string>()
  let shortest = 1

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (status: number, body: object = {}) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    const slotOfBearer = [...tokens].find(([, token]) => token !== '' && token === bearer)?.[0]
    if (request.url === '/me' && slotOfBearer !== undefined)
      return void say(200, { account, slot: slotOfBearer })
    if (bearer !== managing && bearer !== looking) return void say(401)
    const mayManage = bearer === managing
    if (request.url === '/me') return void say(200, { mayManage })
    const [, name, slot] = /^\/accounts\/([^/]+)\/tokens(?:\/([^/]+))?$/.exec(request.url ?? '') ?? []
    if (name !== account) return void say(404)
    if (request.method === 'GET' && slot === undefined) return void say(200, { slots: [...tokens.keys()] })
    if (request.method !== 'PUT' || slot === undefined || !tokens.has(slot)) return void say(404)
    if (!mayManage) return void say(403)
    const { token } = JSON.parse(await text(request)) as { token: string }
    const isLate = () => Date.now() > Number(request.headers['not-after'])
    while (locked.has(slot) && !isLate() && !response.destroyed) await sleep(10)
    if (response.destroyed) return
    if (isLate()) return void say(408)
    if (token.length < shortest) return void say(422)
    tokens.set(slot, token)
    say(204)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    account,
    managing,
    looking,
    tokens,
    lock(slot) {
      locked.add(slot)
      return () => void locked.delete(slot)
    },
    demand: (length) => void (shortest = length),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
