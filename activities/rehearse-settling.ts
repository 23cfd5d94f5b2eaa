/** What a rotation would make of an earlier one that left something in doubt, as settle-earlier.ts does it; only looks. */
import { RotationFailure } from '../model/failures.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { landingWithin } from '../store/unsettled.ts'
import { suspected } from './apply-change.ts'
import type { Attempt } from './attempt.ts'

export interface WouldSettle {
  words: string
  /** The earlier value works: it would be published, and nothing else be changed. */
  publishes?: string
}

/** @throws RotationFailure OUTCOME_UNKNOWN, KEY_LIMIT as the rotation would */
export async function rehearseSettling(attempt: Attempt, earlier: Rotation): Promise<WouldSettle> {
  const { rotator, published } = attempt.call
  if (earlier.environmentId !== attempt.row.environmentId || earlier.rotator !== attempt.row.rotator) {
    throw new RotationFailure(
      'OUTCOME_UNKNOWN',
      'an earlier rotation of this target, elsewhere, has not been settled; nothing is done here until it is',
    )
  }
  const landing = await landingWithin(attempt.services.environments.db, earlier.targets, attempt.row.id)
  const wait =
    landing > 0 ? `; its change may still arrive for ${Math.ceil(landing / 1000)} s, which is waited for` : ''
  const prepared = earlier.prepared === null ? null : attempt.unseal(earlier.prepared, earlier.id)
  let credential = earlier.credential === null ? null : attempt.unseal(earlier.credential, earlier.id)
  credential ??= prepared === null ? null : rotator.candidate(prepared)
  if (credential === null && prepared !== null) {
    const answer = await attempt.recover(prepared)
    if (answer === 'not made')
      return { words: `it made nothing at the target so far, and would be closed${wait}` }
    if (answer !== 'unknown') {
      if ('suspects' in answer) throw suspected(answer.suspects)
      if ('instead' in answer)
        return {
          words: 'what it made and nobody can have would be deleted, and another one made in its place',
        }
      credential = answer.made
    }
  }
  if (credential === null)
    throw new RotationFailure('OUTCOME_UNKNOWN', 'what an earlier rotation of this path made cannot be told')
  const identity = rotator.identity(credential)
  const isSlotOf = (other: unknown) => other !== null && rotator.identity(other) === identity
  if (isSlotOf(published.current))
    return {
      words: `the state holds ${identity} as current, so it would be closed once that has logged in${wait}`,
    }
  if ((await attempt.test(credential)) === 'works')
    return {
      words: `what it made, ${identity}, logs in: that would be published, and nothing else be changed`,
      publishes: identity,
    }
  if (rotator.madeByTarget)
    return { words: `what it made, ${identity}, does not log in and would be removed${wait}` }
  return { words: `its value for ${identity} has not arrived and would be sent again or replaced${wait}` }
}
