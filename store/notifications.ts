/**
 * Waiting for events that some process completes: one connection that LISTENs, whoever waits, and a slow poll by the
 * waiter behind it, because a notification can be lost with its connection.
 */
import pg from 'pg'

export interface EventListener {
  /** Resolves when this event was announced, or after `timeout` milliseconds, or when the signal fires. Never rejects. */
  next(eventId: string, timeout: number, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}

const RECONNECT_AFTER_MS = 1_000

/** Begins to listen in the background; while PostgreSQL is away, waiters fall back to their timeout. */
export function listenForEvents(databaseUrl: string): EventListener {
  const waiters = new Map<string, Set<() => void>>()
  let client: pg.Client | undefined
  let closed = false
  let retry: NodeJS.Timeout | undefined

  const connect = async (): Promise<void> => {
    const mine = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: 10_000,
      application_name: 'rekey events',
    })
    client = mine
    const again = () => {
      if (closed || client !== mine) return
      client = undefined
      retry = setTimeout(() => void connect(), RECONNECT_AFTER_MS)
    }
    mine.on('error', again)
    mine.on('end', again)
    mine.on('notification', (message) => {
      for (const wake of waiters.get(message.payload ?? '') ?? []) wake()
    })
    try {
      await mine.connect()
      await mine.query('listen rekey_events')
    } catch {
      again()
    }
  }
  void connect()

  return {
    next: (eventId, timeout, signal) =>
      new Promise((resolve) => {
        const set = waiters.get(eventId) ?? new Set()
        waiters.set(eventId, set)
        const done = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', done)
          set.delete(done)
          if (set.size === 0) waiters.delete(eventId)
          resolve()
        }
        const timer = setTimeout(done, timeout)
        set.add(done)
        if (signal?.aborted) done()
        else signal?.addEventListener('abort', done)
      }),
    close: async () => {
      closed = true
      clearTimeout(retry)
      await client?.end().catch(() => {})
    },
  }
}
