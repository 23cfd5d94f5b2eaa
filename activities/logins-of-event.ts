/** Logins are opened once per event and worker, shared by its rotations, and kept in memory alone. */
import { LoginCache } from '../environments/host.ts'

const EVENTS = 100
const caches = new Map<string, LoginCache>()

/** `generation` counts the rotated credentials that the inputs see: a login made with an older one is not theirs. */
export function loginsOfEvent(eventId: string, generation: number): LoginCache {
  const key = `${eventId}/${generation}`
  const known = caches.get(key)
  if (known) return known
  const oldest = caches.keys().next()
  if (caches.size >= EVENTS && !oldest.done) caches.delete(oldest.value)
  const made = new LoginCache()
  caches.set(key, made)
  return made
}
