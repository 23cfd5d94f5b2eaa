/**
 * Stops what would rotate on a store that is older than what was published: put back from a backup, or a copy that was
 * behind took over. What its journal does not know of may be in use, so a person looks first.
 */
import { RotationFailure } from '../model/failures.ts'
import type { Database } from '../store/database.ts'
import { incarnationOf, lostRevision, newestPublication, recordLost } from '../store/lost-revisions.ts'
import { originOf } from './guarded.ts'
import type { ActivityServices } from './services.ts'

/** Between the store's clock and Temporal's, and from a commit to the end of its run; in milliseconds. */
const SLACK = 10 * 60_000
/** Milliseconds until Temporal is asked again when it did not answer. */
const ASK_AGAIN = 60_000

interface Checked {
  incarnation: string
  /** Resolves in any case. */
  done: Promise<void>
  /** By `performance.now()`; set where it was not answered. */
  againAt?: number
}

/** Milliseconds for which a store is the one that it was. */
const LOOK_EVERY = 1_000

interface Checked {
  incarnation: string
  lookedAt: number
  /** Resolves in any case. */
  done: Promise<void>
  /** Set where it was not answered. */
  againAt?: number
}

const checked = new WeakMap<Database, Checked>()

/**
 * Before anything of an environment is planned, sent or decided.
 * @throws RotationFailure TARGET_CHANGED
 */
export async function demandNoOlderStore(services: ActivityServices, environmentId: string): Promise<void> {
  const { reported } = services
  if (!reported) return
  await checkStore(services, reported)
  const lost = await lostRevision(services.environments.db, environmentId)
  if (!lost) return
  throw new RotationFailure(
    'TARGET_CHANGED',
    `revision ${lost.revision} was published, and the newest in the store is ${lost.newest}: the store was restored from ` +
      'an older copy, so nothing was touched. Put the credentials that work into the state where they are others, then ' +
      'save the definition: that is the go-ahead (see "Back up and restore" of the operations page)',
  )
}

/** Temporal is asked once for all environments, each time that the store may have been put back. */
export async function checkStore(
  services: ActivityServices,
  reported: NonNullable<ActivityServices['reported']>,
): Promise<void> {
  const { db } = services.environments
  const now = performance.now()
  const before = checked.get(db)
  if (before && now - before.lookedAt < LOOK_EVERY) return await before.done
  const incarnation = await incarnationOf(db)
  // Looked up again: of many that come here at once, the first asks for all.
  const last = checked.get(db)
  if (last?.incarnation === incarnation && now < (last.againAt ?? Infinity)) {
    last.lookedAt = now
    return await last.done
  }
  const next: Checked = { incarnation, lookedAt: now, done: Promise.resolve() }
  next.done = compare(services, reported).catch((error: unknown) => {
    next.againAt = performance.now() + ASK_AGAIN
    services.log.warn(
      originOf(error),
      'Temporal could not be asked what was published, to see that the store is no older; it is asked again in a while',
    )
  })
  checked.set(db, next)
  await next.done
}

async function compare(
  services: ActivityServices,
  reported: NonNullable<ActivityServices['reported']>,
): Promise<void> {
  const { db } = services.environments
  const newest = await newestPublication(db)
  const since = new Date(Math.max(0, (newest?.getTime() ?? 0) - SLACK))
  const lost = await recordLost(db, await reported(since))
  if (lost.length === 0) return
  services.log.error(
    { environments: lost.slice(0, 100).map(({ environmentId }) => environmentId), count: lost.length },
    'the store is older than what was published from it; nothing is rotated in these environments before a person has looked',
  )
}
