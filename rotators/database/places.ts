/**
 * How many connections this process has to one server at the same time. A database has few of them and its
 * applications need them more, however many rotations are due. Knows addresses only.
 */

/** PostgreSQL allows 100 unless told otherwise; two workers at their busiest leave a third of them. */
export const CONNECTIONS_PER_SERVER = 32

interface Server {
  connections: number
  /** Those who are about to change something have a deadline, and come first. */
  urgent: (() => void)[]
  others: (() => void)[]
  /** Of those who hold a place that they do not need just now: called when somebody waits for one. */
  spare: Set<() => void>
}

const servers = new Map<string, Server>()

/**
 * Waits for a place; resolves with what gives it back, which may be called more than once.
 * When the signal fires it resolves at once, without a place: whoever asked sees the signal himself.
 */
export async function takePlace(
  { host, port }: { host: string; port: number },
  { urgent, signal }: { urgent: boolean; signal: AbortSignal },
): Promise<() => void> {
  const key = `${host}:${port}`
  const server = serverOf(key)
  let held = true
  if (server.connections < CONNECTIONS_PER_SERVER) server.connections += 1
  else {
    const waiting = queueUp(urgent ? server.urgent : server.others, signal)
    for (const told of server.spare) told()
    held = await waiting
  }
  return () => {
    if (held) leave(key, server)
    held = false
  }
}

/**
 * For somebody who holds a place that he does not need just now: `told` is called whenever others begin to wait for one,
 * and at once where they do already. Returns what ends that.
 */
export function onShortage({ host, port }: { host: string; port: number }, told: () => void): () => void {
  const server = serverOf(`${host}:${port}`)
  server.spare.add(told)
  if (server.urgent.length + server.others.length > 0) told()
  return () => void server.spare.delete(told)
}

function serverOf(key: string): Server {
  const known = servers.get(key)
  if (known) return known
  const server = { connections: 0, urgent: [], others: [], spare: new Set<() => void>() }
  servers.set(key, server)
  return server
}

/** True with a place, false when the signal fired before there was one. */
function queueUp(queue: (() => void)[], signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const enter = () => {
      signal.removeEventListener('abort', giveUp)
      resolve(true)
    }
    const giveUp = () => {
      queue.splice(queue.indexOf(enter), 1)
      resolve(false)
    }
    queue.push(enter)
    signal.addEventListener('abort', giveUp, { once: true })
  })
}

/** Whoever waits longest has the place from here on: it is handed over, not given back. */
function leave(key: string, server: Server): void {
  const next = server.urgent.shift() ?? server.others.shift()
  if (next) return next()
  server.connections -= 1
  if (server.connections === 0) servers.delete(key)
}
