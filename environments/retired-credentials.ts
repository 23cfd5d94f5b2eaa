/**
 * Warns where an older revision is read whose credential has been replaced since: pinned imports keep what they were
 * pinned to, and what that was logs in no more. Warns only; whoever pins may mean it.
 */
import { calls, type Diagnostic, type Document } from '../language/index.ts'
import type { Environment } from '../store/environments.ts'
import { canonicalJson } from './canonical-json.ts'
import { documentAt } from './documents.ts'
import { createHost, type EvaluationHost } from './host.ts'
import type { Services } from './services.ts'
import { readState, slotsOf } from './state.ts'

/** An older revision of an environment, as somebody named it. */
export interface PinnedRevision {
  reference: string
  environment: Environment
  number: number
}

/** One warning for each rotate call. A state that cannot be read is no reason for one. @throws when the store cannot be read */
export async function warnOfRetired(
  services: Services,
  login: string,
  pinned: readonly PinnedRevision[],
): Promise<Diagnostic[]> {
  const found: Diagnostic[] = []
  for (const { reference, environment, number } of pinned) {
    const host = createHost(services, { environment, login, logins: 'unknown' })
    const documentOf = async (at: number) =>
      (
        await documentAt(services, {
          environmentId: environment.id,
          number: at,
          name: `${environment.project}/${environment.name}`,
        })
      )?.document ?? null
    const older = await documentOf(number)
    const paths = calls(older)
    if (paths.length === 0) continue
    const newest = await documentOf(environment.newestRevision)
    for (const { path } of paths) {
      if (!(await isRetired(host, { older, newest, path }))) continue
      found.push({
        severity: 'warning',
        summary:
          `${reference} has a credential that has been replaced since: ${path} of revision ${number} is in revision ` +
          `${environment.newestRevision}, the newest, neither current nor previous. Read the newest revision, or move the tag`,
        path: '',
      })
    }
    host.throwIfStoreFailed()
  }
  return found
}

async function isRetired(
  host: EvaluationHost,
  { older, newest, path }: { older: Document | null; newest: Document | null; path: string },
): Promise<boolean> {
  const { current } = await slotsAt(older, path, host)
  const now = await slotsAt(newest, path, host)
  // A call that is gone, or was pointed elsewhere, has not replaced anything.
  if (current === null || now.current === null) return false
  const same = (slot: unknown) => canonicalJson(slot) === canonicalJson(current)
  return !same(now.current) && !same(now.previous)
}

async function slotsAt(document: Document | null, path: string, host: EvaluationHost) {
  try {
    return slotsOf(await readState(document, path, host))
  } catch {
    return slotsOf(null)
  }
}
