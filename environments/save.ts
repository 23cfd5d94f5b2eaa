/**
 * Saving a definition: either a new revision, or a refusal and nothing written. It is checked with the rights of
 * whoever saves, rotate-only inputs included, so that nobody can point a call at his own host and have it sent a
 * password that he may not read.
 */
import type { Diagnostic } from '../language/index.ts'
import { Refusal } from '../model/refusal.ts'
import { appendAudit } from '../store/audit.ts'
import { claimedPaths, holdTargets, releaseClaims } from '../store/claims.ts'
import type { Queryable } from '../store/database.ts'
import { lockEnvironment, type Environment } from '../store/environments.ts'
import { openEvent } from '../store/events.ts'
import { recordHeld } from '../store/held.ts'
import { rotationsOf } from '../store/journal.ts'
import { appendRevision, etag, latestRevision, type Revision } from '../store/revisions.ts'
import { inTransaction } from '../store/transaction.ts'
import { demandLevel, doesNotExist } from './access.ts'
import { prepareRevision, type PreparedRevision } from './prepare-revision.ts'
import { refuseUnusable } from './refuse-text.ts'
import type { Services } from './services.ts'
import { stateHmacs } from './state.ts'

export interface SaveRequest {
  environment: Environment
  text: string
  login: string
  /** The etag of the revision that the text was made from; absent or empty to save over whatever is there. */
  ifMatch?: string
}

export interface SaveResult {
  revision: number
  etag: string
  /** Warnings only. */
  diagnostics: Diagnostic[]
}

const ATTEMPTS = 5

/** @throws Refusal not-found, forbidden, too-large, invalid (with diagnostics), conflict (stale, or a rotation under way) */
export async function saveDefinition(services: Services, request: SaveRequest): Promise<SaveResult> {
  const { environment, text, login } = request
  await demandLevel(services.db, environment, { login, level: 'write' })
  refuseUnusable(text, services.settings.maxDefinitionSize)
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const newest = await latestRevision(services.db, environment.id)
    if (!newest) throw new Refusal('not-found', doesNotExist(environment))
    refuseStale(newest, request.ifMatch)
    const prepared = await prepareRevision(services, { environment, newest, text, login })
    const revision = await inTransaction(services.db, (transaction) =>
      append(services, transaction, { environment, newest, prepared, login }),
    )
    if (revision)
      return {
        revision: revision.number,
        etag: etag(environment.id, revision.number),
        diagnostics: prepared.diagnostics,
      }
  }
  throw new Refusal('conflict', 'the environment keeps changing while this is saved; try again')
}

/** Clients send the tag bare, quoted, or marked as weak. */
function refuseStale(newest: Revision, ifMatch: string | undefined): void {
  const seen = (ifMatch ?? '')
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1')
  if (seen === '' || seen === '*' || seen === etag(newest.environmentId, newest.number)) return
  throw new Refusal(
    'conflict',
    `the environment was changed since it was read: revision ${newest.number} is the newest now; read and edit that`,
  )
}

interface Appending {
  environment: Environment
  newest: Revision
  prepared: PreparedRevision
  login: string
}

/** Undefined when another revision came first: then the text must be checked against that one. */
async function append(
  { keeper }: Services,
  db: Queryable,
  { environment, newest, prepared, login }: Appending,
): Promise<Revision | undefined> {
  const locked = await lockEnvironment(db, environment.id)
  if (!locked || locked.deletedAt) throw new Refusal('not-found', doesNotExist(environment))
  if (locked.newestRevision !== newest.number) return undefined
  await refuseUnderEvent(db, environment.id, prepared.changed)
  const environmentId = environment.id
  const revision = await appendRevision(db, { environmentId, text: prepared.text, creator: login })
  for (const { path, targets, rotator } of prepared.calls) {
    const state = prepared.states.get(path)
    const published = state ? stateHmacs(keeper, state) : []
    if (state)
      await recordHeld(db, { environmentId, path, revision: revision.number, targets, hmacs: published })
    // Targets that are only not known now may still be this path's.
    if (targets.length > 0 || rotator.withoutTarget)
      await releaseClaims(db, environmentId, path, { targets, published })
  }
  const paths = new Set(prepared.calls.map((call) => call.path))
  for (const path of await claimedPaths(db, environmentId))
    if (!paths.has(path)) await releaseClaims(db, environmentId, path)
  for (const { path, targets } of prepared.calls)
    if (prepared.states.has(path) && targets.length > 0)
      await holdTargets(db, { environmentId, path, targets })
  await appendAudit(db, {
    actor: login,
    action: 'environment.save',
    organization: environment.organization,
    environmentId,
    details: { revision: revision.number },
  })
  return revision
}

/** A call must not change under a rotation that is under way: its new credential could not be published. */
async function refuseUnderEvent(db: Queryable, environmentId: string, changed: string[]): Promise<void> {
  const event = changed.length > 0 ? await openEvent(db, environmentId) : undefined
  if (!event) return
  const rotating = await rotationsOf(db, event.id)
  const touched = rotating.filter(({ step, path }) => step !== 'closed' && changed.includes(path))
  if (touched.length > 0)
    throw new Refusal(
      'conflict',
      `${touched.map(({ path }) => path).join(', ')} is being rotated: change it when event ${event.id} has ended`,
    )
}
