/**
 * The sweeper's share: an earlier rotation is settled where the target's answer leaves no question. Nothing is removed
 * that a person might want: only a key that the target made for it and that has never worked.
 */
import { RotationFailure } from '../model/failures.ts'
import { advance } from '../store/journal.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { suspected } from './apply-change.ts'
import type { ActionAttempt } from './carry-out.ts'
import { contentsOf, demandUnsettled } from './earlier-rotation.ts'
import { attemptFor, isInDefinition, removeMade } from './left-behind.ts'
import { testPublished } from './prepare-change.ts'

/** Leaves the row at `verified`: to be settled; or `skipped`, with what stands in the way. @throws StaleAttempt */
export async function settleByItself(action: ActionAttempt): Promise<Rotation> {
  const { services, row } = action
  try {
    return await settle(action)
  } catch (error) {
    if (!(error instanceof RotationFailure)) throw error
    // It stays as it is, and is looked at again some time.
    const { code, message } = error
    return await advance(services.environments.db, row, { outcome: 'skipped', failureCode: code, message })
  }
}

async function settle(action: ActionAttempt): Promise<Rotation> {
  const { services, row, event } = action
  const earlier = await demandUnsettled(services.environments.db, row.environmentId, event.subject.rotation)
  const attempt = await attemptFor(action, earlier)
  const { rotator } = attempt.call
  const { prepared, credential } = await contentsOf(services, earlier, rotator)
  if (credential === null) {
    const answer = prepared === null ? 'not made' : await attempt.recover(prepared)
    if (answer !== 'not made')
      throw answer !== 'unknown' && 'suspects' in answer
        ? suspected(answer.suspects)
        : new RotationFailure('OUTCOME_UNKNOWN', 'the next rotation of this path settles it')
  } else if (!(await isInDefinition(attempt, earlier, credential))) {
    if ((await attempt.testSettled(credential)) === 'works')
      throw new RotationFailure(
        'OUTCOME_UNKNOWN',
        `the target accepts ${rotator.identity(credential)}: the next rotation publishes it; or adopt it, or discard it`,
      )
    // A target that refuses everybody has said nothing about this one.
    if (rotator.madeByTarget) await removeMade(attempt, credential)
    else await testPublished(attempt)
  }
  await attempt.advance({ step: 'verified', verified: true })
  return attempt.row
}
