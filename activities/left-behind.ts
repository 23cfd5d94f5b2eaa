/**
 * What an earlier rotation left at its target, asked about with today's call where there is one. Removing is limited to
 * what the target itself said it made for that rotation, and written down first.
 */
import { isDeepStrictEqual } from 'node:util'
import { credentialHmac } from '../environments/state.ts'
import { RotationFailure } from '../model/failures.ts'
import { pathHolder, wasHeld } from '../store/held.ts'
import { getRevision } from '../store/revisions.ts'
import type { RotationRecord } from '../store/rotation-records.ts'
import { landingWithin, ownLandingWithin } from '../store/unsettled.ts'
import type { Attempt } from './attempt.ts'
import type { ActionAttempt } from './carry-out.ts'
import { callFor } from './earlier-rotation.ts'
import { testPublished } from './prepare-change.ts'

/**
 * An attempt at the call that names the earlier rotation's targets now; where none does any more, at the call as it was
 * then. Returns when nothing that was sent there can land any more.
 */
export async function attemptFor(action: ActionAttempt, earlier: RotationRecord): Promise<Attempt> {
  const { environment, event, base, services } = action
  const { db } = services.environments
  const found = environment.deletedAt
    ? undefined
    : await callFor(services, { environment, login: event.login, revision: base, earlier })
  const attempt = found
    ? await action.attemptAt(base, found.path, earlier.rotator)
    : await attemptAsPlanned(action, earlier)
  if (!isDeepStrictEqual(attempt.call.targets, earlier.targets))
    throw new RotationFailure(
      'CONFLICT',
      `what the call of that rotation imported has changed, and it names other targets now than ${earlier.targets.join(', ')}`,
    )
  await attempt.wait(await landingWithin(db, earlier.targets, action.row.id))
  // What an attempt before this one was about to remove is gone by then, or stays.
  await attempt.wait(await ownLandingWithin(db, action.row.id))
  return attempt
}

async function attemptAsPlanned(action: ActionAttempt, earlier: RotationRecord): Promise<Attempt> {
  const { db } = action.services.environments
  const revision = await getRevision(db, earlier.environmentId, earlier.event.baseRevision)
  if (!revision) throw new RotationFailure('INTERNAL')
  // What its state holds is published no more.
  const published = { current: null, previous: null }
  return await action.attemptAt(revision, earlier.path, earlier.rotator, { published })
}

/** True when the definition holds this very credential, or ever did. */
export async function isInDefinition(
  attempt: Attempt,
  earlier: RotationRecord,
  credential: unknown,
): Promise<boolean> {
  const { rotator, published } = attempt.call
  const { db, keeper } = attempt.services.environments
  const slots = [published.current, published.previous].filter((slot) => slot !== null)
  if (slots.some((slot) => isDeepStrictEqual(slot, credential))) return true
  if (rotator.madeByTarget && slots.some((slot) => rotator.identity(slot) === rotator.identity(credential)))
    return true
  const holders = [...earlier.targets, pathHolder(earlier.environmentId, earlier.path)]
  return await wasHeld(db, holders, credentialHmac(keeper, credential))
}

/** Removes what the target made for that rotation, once what is published logs in. */
export async function removeMade(attempt: Attempt, credential: unknown): Promise<void> {
  await testPublished(attempt)
  const sendBy = await writeDown(attempt, attempt.call.rotator.identity(credential))
  await attempt.remove(credential, sendBy)
  await attempt.services.at('by hand: removed')
}

/**
 * Says what is about to be removed. The earlier rotation stays the one that is in doubt until this has ended.
 * @returns after when it must not be sent
 */
export async function writeDown(attempt: Attempt, id: string): Promise<number> {
  const sendBy = attempt.sendBy()
  await attempt.advance({
    prepared: attempt.seal({ remove: id }),
    landsWithin: attempt.landsWithin(null),
    settled: true,
  })
  await attempt.services.at('by hand: written down')
  return sendBy
}
