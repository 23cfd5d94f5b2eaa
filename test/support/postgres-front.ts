/**
 * Stands before a real PostgreSQL and reads what is said, so that a test can count log-ins, and have a server that hangs
 * at a given word or answers for one that did nothing. Without TLS only.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface PostgresFront {
  host: string
  port: number
  /** How often each user asked to be let in, and how often that was refused. */
  logIns: Map<string, { asked: number; refused: number }>
  /** Keeps back, from now on, whatever holds this, and everything after it on that connection. */
  hangAt(words: string | undefined): void
  /** Has the server hear these words in place of what matches them; of the same length. */
  rewrite(rule: ((said: string) => string) | undefined): void
  close(): Promise<void>
}

export async function postgresFront(server: { host: string; port: number }): Promise<PostgresFront> {
  const logIns: PostgresFront['logIns'] = new Map()
  const sockets = new Set<Socket>()
  let hang: string | undefined
  let rewriting: ((said: string) => string) | undefined

  const listener = createServer((client) => {
    const upstream = connect(server)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    }
    let counted: { asked: number; refused: number } | undefined
    let held = false
    client.on('data', (chunk) => {
      const said = chunk.toString('latin1')
      const user = counted ? undefined : /\0user\0([^\0]*)\0/.exec(said)?.[1]
      if (user !== undefined) {
        counted = logIns.get(user) ?? { asked: 0, refused: 0 }
        counted.asked += 1
        logIns.set(user, counted)
      }
      held ||= hang !== undefined && said.includes(hang)
      if (!held) upstream.write(rewriting ? Buffer.from(rewriting(said), 'latin1') : chunk)
    })
    upstream.on('data', (chunk) => {
      if (counted && chunk.includes('C28P01\0')) counted.refused += 1
      client.write(chunk)
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroySoon())
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    logIns,
    hangAt: (words) => void (hang = words),
    rewrite: (rule) => void (rewriting = rule),
    async close() {
      listener.close()
      for (const socket of sockets) socket.destroy()
      await Promise.resolve()
    },
  }
}
