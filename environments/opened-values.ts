/** The values of open sessions in this process's memory: bounded, forgotten when they expire. Never written anywhere. */
import type { Environment } from '../language/index.ts'
import type { Services } from './services.ts'

export interface OpenedValues {
  /** Undefined where they are not known here (any more); null is an environment without values. */
  get(sessionId: string): Environment | null | undefined
  set(sessionId: string, values: Environment | null, lifetimeMs: number): void
}

const caches = new WeakMap<Services, OpenedValues>()

export function openedValues(services: Services): OpenedValues {
  const known = caches.get(services)
  if (known) return known
  const made = createOpenedValues(services.settings.cachedSessions)
  caches.set(services, made)
  return made
}

/** Past `capacity`, those least recently read are forgotten. `now`: a monotonic clock in milliseconds. */
export function createOpenedValues(capacity: number, now = () => performance.now()): OpenedValues {
  const entries = new Map<string, { values: Environment | null; until: number }>()
  let earliest = Infinity
  const forgetExpired = () => {
    const at = now()
    // Looked through only when there is something to find: every `open` comes here.
    if (at < earliest) return
    earliest = Infinity
    for (const [id, { until }] of entries) {
      if (until <= at) entries.delete(id)
      else earliest = Math.min(earliest, until)
    }
  }
  return {
    get: (sessionId) => {
      const entry = entries.get(sessionId)
      entries.delete(sessionId)
      if (!entry || entry.until <= now()) return undefined
      entries.set(sessionId, entry)
      return entry.values
    },
    set: (sessionId, values, lifetimeMs) => {
      forgetExpired()
      entries.delete(sessionId)
      for (const id of entries.keys()) {
        if (entries.size < capacity) break
        entries.delete(id)
      }
      if (capacity <= 0) return
      const until = now() + lifetimeMs
      entries.set(sessionId, { values, until })
      earliest = Math.min(earliest, until)
    },
  }
}
