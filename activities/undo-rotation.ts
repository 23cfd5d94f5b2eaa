/** Undoing: the two slots of a published state change places, while the previous one still logs in. Changes nothing at the target. */
import { RotationFailure } from '../model/failures.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { landingWithin } from '../store/unsettled.ts'
import type { ActionAttempt } from './carry-out.ts'

/** @throws RotationFailure TARGET_CHANGED when the previous one does not log in any more */
export async function undoRotation({ services, row, base, attemptAt }: ActionAttempt): Promise<Rotation> {
  const attempt = await attemptAt(base, row.path, row.rotator)
  const { rotator, published } = attempt.call
  const { current, previous } = published
  if (rotator.slots === 1 || current === null || previous === null)
    throw new RotationFailure('STATE_INVALID', 'this call has no previous credential to go back to')
  // An earlier change that lands after the test would replace just the one that is gone back to.
  await attempt.wait(await landingWithin(services.environments.db, row.targets, row.id))
  if ((await attempt.testSettled(previous)) === 'refused')
    throw new RotationFailure(
      'TARGET_CHANGED',
      `the previous credential (${rotator.identity(previous)}) does not log in any more: there is nothing to go back to`,
    )
  await services.at('by hand: previous works')
  const works = (await attempt.test(current)) === 'works'
  const warning = `the credential that was current (${rotator.identity(current)}) does not log in`
  await attempt.advance({
    step: 'verified',
    verified: true,
    credential: attempt.seal(previous),
    // A key that is only switched off takes up room: it stays in the state, so that it stays Rekey's to remove.
    previousFrom: works || rotator.madeByTarget ? 'current' : 'none',
    warnings: works ? [] : [rotator.madeByTarget ? warning : `${warning}; it was left out`],
  })
  return attempt.row
}
