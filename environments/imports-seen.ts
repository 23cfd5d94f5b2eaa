/**
 * Which environments another one imported when it was last opened here: what to ask the store about along with it, next
 * time. A hint and nothing more, names alone; what may be opened is asked anew each time.
 */
import type { EnvironmentName } from '../model/environment-name.ts'
import { fullName } from '../store/callers.ts'
import type { Services } from './services.ts'

const ENTRIES = 500
/** More are asked about one by one, as they are come upon. */
const NAMES = 20
const NONE: readonly EnvironmentName[] = []

const seen = new WeakMap<Services, Map<string, readonly EnvironmentName[]>>()

export function importsSeen(services: Services, name: EnvironmentName): readonly EnvironmentName[] {
  return seen.get(services)?.get(fullName(name)) ?? NONE
}

export function noteImports(
  services: Services,
  name: EnvironmentName,
  imported: readonly EnvironmentName[],
): void {
  const known = seen.get(services) ?? new Map<string, readonly EnvironmentName[]>()
  seen.set(services, known)
  const key = fullName(name)
  known.delete(key)
  if (imported.length === 0) return
  known.set(key, imported.slice(0, NAMES))
  for (const oldest of known.keys()) {
    if (known.size <= ENTRIES) break
    known.delete(oldest)
  }
}
