/** Step apply: the one change at the target, for exactly what the row says. */
import { RotationFailure } from '../model/failures.ts'
import { recordAnswer } from '../store/journal.ts'
import { ownLandingWithin } from '../store/unsettled.ts'
import type { Attempt } from './attempt.ts'

/** How often a target may refuse a value by its own policy before the rotation is given up. */
const MAX_REFUSED_VALUES = 3

export async function applyChange(attempt: Attempt): Promise<void> {
  const { rotator, inputs } = attempt.call
  const { db } = attempt.services.environments
  if (attempt.row.prepared === null) throw new RotationFailure('INTERNAL')
  const prepared = attempt.unseal(attempt.row.prepared)
  if (attempt.sentByOthers && !rotator.repeatable) return await recoverChange(attempt, prepared)

  const alone = !attempt.sentByOthers
  const sendBy = await attempt.startSending()
  await attempt.services.at('apply: about to send')
  let credential: unknown
  try {
    credential = await attempt.ask(() => rotator.apply(inputs, prepared, attempt.context(sendBy)))
  } catch (error) {
    // Without an answer it may still land; with one, testing again does no harm.
    attempt.sentByOthers = true
    if (error instanceof RotationFailure && error.code === 'TARGET_REJECTED_VALUE')
      return await burn(attempt, error, alone)
    throw error
  }
  await attempt.services.at('apply: answered')
  const sealed = attempt.seal(credential)
  if (rotator.madeByTarget) await recordAnswer(db, attempt.row.id, sealed)
  // Answered, and sent by nobody else: nothing is on its way any more, so the next rotation need not wait.
  await attempt.advance({
    step: 'applied',
    credential: sealed,
    ...(alone && { landsWithin: 'now' as const }),
  })
}

/** The answer to a change that must not be sent twice was lost: the target is asked what became of it. */
async function recoverChange(attempt: Attempt, prepared: unknown): Promise<void> {
  const { rotator, inputs } = attempt.call
  await attempt.wait(attempt.landsWithin)
  const answer = rotator.recover
    ? await attempt.ask(() => rotator.recover!(inputs, prepared, attempt.context()))
    : 'unknown'
  if (answer === 'not made') {
    attempt.sentByOthers = false
    return await applyChange(attempt)
  }
  if (typeof answer === 'object' && 'made' in answer) {
    return await attempt.advance({ step: 'applied', credential: attempt.seal(answer.made) })
  }
  throw new RotationFailure('OUTCOME_UNKNOWN')
}

/** The target's policy refuses this value. It is tested before it is given up, kept sealed, and another one is made. */
async function burn(attempt: Attempt, refused: RotationFailure, alone: boolean): Promise<void> {
  const { row } = attempt
  const prepared = row.prepared === null ? null : attempt.unseal(row.prepared)
  const candidate = prepared === null ? null : attempt.call.rotator.candidate(prepared)
  // Another call with this value may still be on its way, and would land on top of the next one.
  if (!alone) await attempt.wait(await ownLandingWithin(attempt.services.environments.db, row.id))
  if (candidate !== null && (await attempt.test(candidate)) === 'works') {
    return await attempt.advance({ step: 'applied', credential: attempt.seal(candidate) })
  }
  if (row.burntCount + 1 >= MAX_REFUSED_VALUES) throw refused
  const burnt = row.burnt === null ? [] : (attempt.unseal(row.burnt) as unknown[])
  await attempt.advance({
    step: 'planned',
    burnt: attempt.seal([...burnt, prepared]),
    burntCount: row.burntCount + 1,
    prepared: null,
    credential: null,
  })
}
