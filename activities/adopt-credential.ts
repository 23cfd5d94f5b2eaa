/** Adopting: what an earlier rotation left in the journal is tested and becomes the credential to be published. Changes nothing at the target. */
import { RotationFailure } from '../model/failures.ts'
import type { PreviousFrom } from '../store/tables.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { landingWithin } from '../store/unsettled.ts'
import type { Attempt } from './attempt.ts'
import type { ActionAttempt } from './carry-out.ts'
import { contentsOf, demandUnsettled } from './earlier-rotation.ts'

/** @throws RotationFailure VERIFY_FAILED when the target refuses it, KEY_LIMIT when nobody knows what it made */
export async function adoptCredential({
  services,
  row,
  event,
  base,
  attemptAt,
}: ActionAttempt): Promise<Rotation> {
  const { db } = services.environments
  const earlier = await demandUnsettled(db, row.environmentId, event.subject.rotation)
  const attempt = await attemptAt(base, row.path, row.rotator)
  const { rotator } = attempt.call
  const { credential } = await contentsOf(services, earlier, rotator)
  if (credential === null)
    throw new RotationFailure(
      'KEY_LIMIT',
      'the answer with the credential was lost, so there is nothing to adopt: discard the rotation, with the id of the key that it made if there is one',
    )
  // What is on its way to this target may still change the answer.
  await attempt.wait(await landingWithin(db, row.targets, row.id))
  if ((await attempt.testSettled(credential)) === 'refused')
    throw new RotationFailure(
      'VERIFY_FAILED',
      `the target refuses the credential of that rotation (${rotator.identity(credential)}), so it was not published: discard the rotation`,
    )
  await services.at('by hand: credential works')
  const { previousFrom, warnings } = await choosePrevious(attempt, credential)
  await attempt.advance({
    step: 'verified',
    verified: true,
    credential: attempt.seal(credential),
    previousFrom,
    warnings,
  })
  return attempt.row
}

/** The newest published credential of another slot that logs in. */
async function choosePrevious(
  attempt: Attempt,
  credential: unknown,
): Promise<{ previousFrom: PreviousFrom; warnings: string[] }> {
  const { rotator, published } = attempt.call
  const others = (['current', 'previous'] as const).filter(
    (slot) => published[slot] !== null && rotator.identity(published[slot]) !== rotator.identity(credential),
  )
  for (const slot of others)
    if ((await attempt.test(published[slot])) === 'works') return { previousFrom: slot, warnings: [] }
  const [newest] = others
  if (newest === undefined) return { previousFrom: 'none', warnings: [] }
  const warnings = ['no credential that was published before it logs in any more']
  // A key that is only switched off takes up room: it stays in the state, so that it stays Rekey's to remove.
  return { previousFrom: rotator.madeByTarget ? newest : 'none', warnings }
}
