/**
 * The first step of a rotation: an earlier one of this path or target that left something in doubt is settled before
 * anything new is made. Its value works, or is sent again: then it is this event's rotation.
 */
import { isDeepStrictEqual } from 'node:util'
import { RotationFailure } from '../model/failures.ts'
import { advance } from '../store/journal.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { landingWithin, settleRotation, unsettledRotations } from '../store/unsettled.ts'
import { inTransaction } from '../store/transaction.ts'
import type { Attempt } from './attempt.ts'
import { suspected } from './apply-change.ts'
import { chooseChange, testPublished } from './prepare-change.ts'

/**
 * Leaves the attempt's row at `applied` (the earlier value works), at `prepared` (the same value is to be sent again),
 * or at `planned` (nothing is in doubt any more).
 * @throws RotationFailure OUTCOME_UNKNOWN, KEY_LIMIT when it cannot be told; then nothing else may be done here.
 */
export async function settleEarlier(attempt: Attempt): Promise<void> {
  const { db } = attempt.services.environments
  const { row } = attempt
  for (const earlier of await unsettledRotations(db, row.targets, row.id)) {
    if (attempt.row.step === 'planned') await settleOne(attempt, earlier)
    else await settleRotation(db, earlier.id, row.id)
  }
  // Settled rows too: a call of theirs that was held back may land until its deadline.
  if (attempt.row.step === 'planned') await attempt.wait(await landingWithin(db, row.targets, row.id))
}

async function settleOne(attempt: Attempt, earlier: Rotation): Promise<void> {
  const { rotator, published } = attempt.call
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
  if (credential === null && prepared !== null) {
    await attempt.wait(await landingWithin(db, earlier.targets, attempt.row.id))
    const answer = await attempt.recover(prepared)
    await attempt.services.at('settle: recovered')
    if (answer === 'not made') return await settleRotation(db, earlier.id, attempt.row.id)
    if (answer !== 'unknown') {
      if ('suspects' in answer) throw suspected(answer.suspects)
      if ('instead' in answer) return await adoptInstead(attempt, earlier, answer.instead)
      credential = answer.made
    }
  }
  if (credential === null) {
    throw new RotationFailure('OUTCOME_UNKNOWN', 'what an earlier rotation of this path made cannot be told')
  }

  const settle = () => settleRotation(db, earlier.id, attempt.row.id)
  const isSlotOf = (other: unknown) =>
    other !== null && rotator.identity(other) === rotator.identity(credential)
  if (isSlotOf(published.current)) {
    // A person has published that very slot. If that is true, the earlier value is neither wanted nor to be sent again.
    await attempt.wait(await landingWithin(db, earlier.targets, attempt.row.id))
    await testPublished(attempt)
    return await settle()
  }
  // Of a user that the call names no more: nothing for it to publish. It stays in doubt, and a person decides.
  if (!isDeepStrictEqual(earlier.targets, attempt.row.targets) && !(await isNext(attempt, isSlotOf))) return
  const landing = await landingWithin(db, earlier.targets, attempt.row.id)
  let answer = await attempt.test(credential)
  // Not asked again where the same answer must come: a target may count the log-ins that it refused.
  if (answer === 'refused' && (landing > 0 || rotator.settling)) {
    await attempt.wait(landing)
    answer = await attempt.testSettled(credential)
  }
  await attempt.services.at('settle: tested')
  if (answer === 'refused' && rotator.madeByTarget) {
    // Ours by the target's own answer, and of no use: it would take up room for ever.
    if (!isSlotOf(published.previous)) {
      await testPublished(attempt)
      const sendBy = attempt.sendBy()
      // Still ours to decide: a newer attempt may find that it works by now.
      await attempt.advance({})
      await attempt.services.at('settle: about to remove')
      await attempt.remove(credential, sendBy)
      await attempt.services.at('settle: removed')
    }
    return await settle()
  }
  if (answer === 'refused') {
    // It did not arrive and never will. It is sent again if that is what would be done now: tested as any change is.
    const sameAgain = rotator.repeatable && prepared !== null && (await isNext(attempt, isSlotOf))
    if (!sameAgain) return await settle()
  }
  await inTransaction(db, async (transaction) => {
    await settleRotation(transaction, earlier.id, attempt.row.id)
    attempt.row = await advance(transaction, attempt.row, {
      step: answer === 'works' ? 'applied' : 'prepared',
      prepared: prepared === null ? null : attempt.seal(prepared),
      credential: attempt.seal(credential),
      // It works or is about to be sent: from here on this row answers for it.
      landsWithin: attempt.landsWithin(prepared),
    })
  })
  await attempt.services.at('settle: taken over')
  // The earlier rotation's own call may still be on its way.
  attempt.sentByOthers = true
}

/** Whether the slot that would be written now, once what is published has been tested, is the one meant. */
async function isNext(attempt: Attempt, isMeant: (credential: unknown) => boolean): Promise<boolean> {
  return isMeant(attempt.call.rotator.candidate(await chooseChange(attempt)))
}

/** What the earlier one made is of no use to anybody: this rotation goes on in its place, once what is published logs in. */
async function adoptInstead(attempt: Attempt, earlier: Rotation, prepared: unknown): Promise<void> {
  await testPublished(attempt)
  await inTransaction(attempt.services.environments.db, async (transaction) => {
    await settleRotation(transaction, earlier.id, attempt.row.id)
    attempt.row = await advance(transaction, attempt.row, {
      step: 'prepared',
      prepared: attempt.seal(prepared),
      // From here on this row answers for what the earlier one left.
      landsWithin: 'now',
    })
  })
  await attempt.services.at('settle: taken over in place of it')
  attempt.sentByOthers = false
}
