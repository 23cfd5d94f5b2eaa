/** Step verify: nothing is published that has not logged in at the target, over the route the definition names. */
import { FAILURES, RotationFailure } from '../model/failures.ts'
import type { Attempt } from './attempt.ts'
import { begun } from './prepare-change.ts'

/** @throws RotationFailure VERIFY_FAILED, TARGET_CHANGED */
export async function verifyChange(attempt: Attempt): Promise<void> {
  const { rotator, published } = attempt.call
  if (attempt.row.credential === null) throw new RotationFailure('INTERNAL')
  const credential = attempt.unseal(attempt.row.credential)
  const old = async () => (published.current === null ? null : await attempt.test(published.current))
  const early = rotator.sideBySide ? begun(old()) : undefined
  if ((await attempt.testSettled(credential)) === 'refused') {
    const why = await attempt.whyRefused(credential)
    throw new RotationFailure('VERIFY_FAILED', why && `${FAILURES.VERIFY_FAILED.words}: ${why}`)
  }
  await attempt.services.at('verify: new one works')
  if ((await (early ?? old())) === 'refused') {
    throw new RotationFailure(
      'TARGET_CHANGED',
      `the published current credential (${rotator.identity(published.current)}) stopped working while it was ` +
        'being rotated; the new one is kept and not published. Put the credential that works into the state as current',
    )
  }
  await attempt.services.at('verify: old one works')
  await attempt.advance({ step: 'verified', verified: true })
}
