/** What open sessions yield, in this process's memory: bounded, forgotten when they expire. Never written anywhere. */
import type { Diagnostic, Environment } from '../language/index.ts'
import type { Reading } from './readings.ts'
import type { Services } from './services.ts'
import { environmentWire } from './value-wire.ts'

/** An evaluation's result, of one session or of several that would yield the same. */
export interface Opened {
  values: Environment | null
  diagnostics: readonly Diagnostic[]
  /** The environments that were read for it. */
  readings: readonly Reading[]
  /** Says whose evaluation of what it is; absent where the same evaluation could yield something else. */
  origin?: string
  /** The values as JSON text, once somebody has read them. */
  wire?: string
}

export interface OpenedValues<T> {
  /** Undefined where they are not known here (any more). */
  get(sessionId: string): T | undefined
  set(sessionId: string, opened: T, lifetimeMs: number): void
  /** What a session that is still open was given, of this origin. */
  ofOrigin(origin: string): T | undefined
}

/** Characters of a text that is kept along with the values that it was made of. */
const KEPT_TEXT = 64 * 1024

/** The values as JSON text. @throws Refusal invalid */
export function wireOf(opened: Opened): string {
  if (opened.wire !== undefined) return opened.wire
  const wire = environmentWire(opened.values)
  if (wire.length <= KEPT_TEXT) opened.wire = wire
  return wire
}

const caches = new WeakMap<Services, OpenedValues<Opened>>()

export function openedValues(services: Services): OpenedValues<Opened> {
  const known = caches.get(services)
  if (known) return known
  const made = createOpenedValues<Opened>(services.settings.cachedSessions)
  caches.set(services, made)
  return made
}

interface Entry<T> {
  opened: T
  until: number
}

/** Past `capacity`, those least recently read are forgotten. `now`: a monotonic clock in milliseconds. */
export function createOpenedValues<T extends { origin?: string }>(
  capacity: number,
  now = () => performance.now(),
): OpenedValues<T> {
  const entries = new Map<string, Entry<T>>()
  /** The newest session of each origin. */
  const origins = new Map<string, string>()
  let earliest = Infinity
  const forget = (id: string) => {
    const origin = entries.get(id)?.opened.origin
    entries.delete(id)
    if (origin !== undefined && origins.get(origin) === id) origins.delete(origin)
  }
  const living = (id: string): Entry<T> | undefined => {
    const entry = entries.get(id)
    if (entry && entry.until > now()) return entry
    forget(id)
    return undefined
  }
  const forgetExpired = () => {
    const at = now()
    // Looked through only when there is something to find: every `open` comes here.
    if (at < earliest) return
    earliest = Infinity
    for (const [id, { until }] of entries) {
      if (until <= at) forget(id)
      else earliest = Math.min(earliest, until)
    }
  }
  return {
    get: (sessionId) => {
      const entry = living(sessionId)
      if (!entry) return undefined
      // To the end of the line.
      entries.delete(sessionId)
      entries.set(sessionId, entry)
      return entry.opened
    },
    set: (sessionId, opened, lifetimeMs) => {
      forgetExpired()
      forget(sessionId)
      for (const id of entries.keys()) {
        if (entries.size < capacity) break
        forget(id)
      }
      if (capacity <= 0) return
      const until = now() + lifetimeMs
      entries.set(sessionId, { opened, until })
      if (opened.origin !== undefined) origins.set(opened.origin, sessionId)
      earliest = Math.min(earliest, until)
    },
    ofOrigin: (origin) => {
      const id = origins.get(origin)
      return id === undefined ? undefined : living(id)?.opened
    },
  }
}
