/**
 * Revisions, read and parsed once: neither a revision's text nor what is parsed from it ever changes. Secrets in them
 * are sealed, so nothing is kept here in clear. Bounded; forgets what was least recently used.
 */
import { load, type Diagnostic, type Document } from '../language/index.ts'
import { getRevision } from '../store/revisions.ts'
import type { Services } from './services.ts'

export interface StoredDocument {
  text: string
  document: Document | null
  diagnostics: Diagnostic[]
}

const ENTRIES = 500
/** Characters of all the texts; what is parsed from them takes many times as much. */
const CHARACTERS = 4 * 1024 * 1024

const caches = new WeakMap<Services, Map<string, StoredDocument>>()

/**
 * The revision of this number, under the name by which its diagnostics are to call it; undefined when there is none.
 * The caller has seen to it that whoever asks may have it.
 */
export async function documentAt(
  services: Services,
  { environmentId, number, name }: { environmentId: string; number: number; name: string },
): Promise<StoredDocument | undefined> {
  const cache = caches.get(services) ?? new Map<string, StoredDocument>()
  caches.set(services, cache)
  const key = `${environmentId}@${number} ${name}`
  const known = cache.get(key)
  if (known) {
    cache.delete(key)
    cache.set(key, known)
    return known
  }
  const revision = await getRevision(services.db, environmentId, number)
  if (!revision) return undefined
  const made = { text: revision.text, ...load(name, revision.text) }
  cache.set(key, made)
  makeRoom(cache)
  return made
}

function makeRoom(cache: Map<string, StoredDocument>): void {
  let characters = 0
  for (const { text } of cache.values()) characters += text.length
  for (const [key, { text }] of cache) {
    if (cache.size <= ENTRIES && characters <= CHARACTERS) return
    cache.delete(key)
    characters -= text.length
  }
}
