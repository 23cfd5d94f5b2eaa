/**
 * The first step of a rotation: an earlier one of this path or target that left something in doubt is settled before
 * anything new is made. Its value works, or is sent again: then it is this event's rotation.
 */
import { RotationFailure } from '../model/failures.ts'
import { advance, type Rotation } from '../store/journal.ts'
import { landingWithin, settleRotation, unsettledRotations } from '../store/unsettled.ts'
import { inTransaction } from '../store/transaction.ts'
import type { Attempt } from './attempt.ts'

/**
 * Leaves the attempt's row at `applied` (the earlier value works), at `prepared` (the same value is to be sent again),
 * or at `planned` (nothing is in doubt any more).
 * @throws RotationFailure OUTCOME_UNKNOWN when it cannot be told; then nothing else may be done here.
 */
export async function settleEarlier(attempt: Attempt): Promise<void> {
  const { db } = attempt.services.environments
  const { row } = attempt
  const scope = { environmentId: row.environmentId, path: row.path, targets: row.targets, except: row.id }
  for (const earlier of await unsettledRotations(db, scope)) {
    if (attempt.row.step === 'planned') await settleOne(attempt, earlier)
    else await settleRotation(db, earlier.id, row.id)
  }
  // Settled rows too: a call of theirs that was held back may land until its deadline.
  if (attempt.row.step === 'planned') await attempt.wait(await landingWithin(db, row.targets, row.id))
}

async function settleOne(attempt: Attempt, earlier: Rotation): Promise<void> {
  const { rotator, inputs, published } = attempt.call
  const { db } = attempt.services.environments
  if (earlier.environmentId !== attempt.row.environmentId || earlier.rotator !== attempt.row.rotator) {
    throw new RotationFailure(
      'OUTCOME_UNKNOWN',
      'an earlier rotation of this target, elsewhere, has not been settled; nothing is done here until it is',
    )
  }
  const prepared = earlier.prepared === null ? null : attempt.unseal(earlier.prepared, earlier.id)
  let credential = earlier.credential === null ? null : attempt.unseal(earlier.credential, earlier.id)
  credential ??= prepared === null ? null : rotator.candidate(prepared)
  if (credential === null && prepared !== null && rotator.recover) {
    await attempt.wait(await landingWithin(db, earlier.targets, attempt.row.id))
    const answer = await attempt.ask(() => rotator.recover!(inputs, prepared, attempt.context()))
    if (answer === 'not made') return await settleRotation(db, earlier.id, attempt.row.id)
    if (typeof answer === 'object' && 'made' in answer) credential = answer.made
  }
  if (credential === null) {
    throw new RotationFailure('OUTCOME_UNKNOWN', 'what an earlier rotation of this path made cannot be told')
  }

  let answer = await attempt.test(credential)
  if (answer === 'refused') {
    await attempt.wait(await landingWithin(db, earlier.targets, attempt.row.id))
    answer = await attempt.test(credential)
  }
  const isCurrent =
    published.current !== null && rotator.identity(published.current) === rotator.identity(credential)
  // A person has meanwhile published that very slot: the earlier value is neither wanted nor to be sent again.
  if (isCurrent) return await settleRotation(db, earlier.id, attempt.row.id)
  if (answer === 'refused' && (prepared === null || !rotator.repeatable)) {
    return await settleRotation(db, earlier.id, attempt.row.id)
  }
  await inTransaction(db, async (transaction) => {
    await settleRotation(transaction, earlier.id, attempt.row.id)
    attempt.row = await advance(transaction, attempt.row, {
      step: answer === 'works' ? 'applied' : 'prepared',
      prepared: prepared === null ? null : attempt.seal(prepared),
      credential: attempt.seal(credential),
      // It works or is about to be sent: from here on this row answers for it.
      landsWithin: attempt.landsWithin,
    })
  })
  // The earlier rotation's own call may still be on its way.
  attempt.sentByOthers = true
}
