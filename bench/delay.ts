/**
 * A TCP port that is as far away as one likes: what goes in comes out half a round trip later, in order, and a new
 * connection costs the round trip of its handshake. Counts connections and round trips. Changes no byte.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface Delay {
  host: string
  port: number
  /** Since the last call: connections, and how often an answer followed on something sent (handshakes included). */
  counts(): { connections: number; roundTrips: number; most: number }
  close(): Promise<void>
}

/** `roundTrip`: milliseconds. */
export async function delayTo(to: { host: string; port: number }, roundTrip: number): Promise<Delay> {
  const sockets = new Set<Socket>()
  let [connections, roundTrips, most, open] = [0, 0, 0, 0]
  const server = createServer({ noDelay: true }, (near) => {
    connections += 1
    roundTrips += 1
    open += 1
    most = Math.max(most, open)
    const far = connect({ ...to, noDelay: true })
    let asking = false
    // The handshake here took no time: whatever is sent first is late by its round trip as well.
    const handshake = performance.now() + roundTrip
    pass(near, far, () => {
      asking = true
      return Math.max(performance.now(), handshake) + roundTrip / 2
    })
    pass(far, near, () => {
      if (asking) roundTrips += 1
      asking = false
      return performance.now() + roundTrip / 2
    })
    near.once('close', () => (open -= 1))
  })

  function pass(from: Socket, into: Socket, arrival: () => number): void {
    sockets.add(from)
    let last = 0
    const later = (work: () => void) => {
      const at = arrival()
      last = Math.max(last, at)
      // Timers of the same length fire in the order in which they were set, and those set later never earlier.
      setTimeout(work, Math.max(0, Math.ceil(last - performance.now())))
    }
    from.on('data', (bytes: Buffer) => later(() => void (into.destroyed || into.write(bytes))))
    from.on('end', () => later(() => void (into.destroyed || into.end())))
    from.on('error', () => into.destroy())
    from.on('close', () => {
      sockets.delete(from)
      later(() => into.destroy())
    })
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, resolve)
  })
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    counts: () => {
      const counted = { connections, roundTrips, most }
      ;[connections, roundTrips, most] = [0, 0, open]
      return counted
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
