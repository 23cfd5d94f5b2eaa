/** Step apply: the one change at the target, for exactly what the row says. */
import { RotationFailure } from '../model/failures.ts'
import { WriteDownFirst } from '../rotators/rotator.ts'
import { recordAnswer } from '../store/journal.ts'
import { ownLandingWithin } from '../store/unsettled.ts'
import type { Attempt } from './attempt.ts'
import { testCurrent } from './prepare-change.ts'

/** How often a target may refuse a value by its own policy before the rotation is given up. */
const MAX_REFUSED_VALUES = 3
/** How often in a row there may be something to write down first; more would be a quarrel with somebody else. */
const MAX_WRITTEN_FIRST = 4

/** Leaves the row at `applied`; or at a step before, with what is to be done instead. */
export async function applyChange(attempt: Attempt): Promise<void> {
  const { rotator, inputs } = attempt.call
  const { db } = attempt.services.environments
  if (attempt.row.prepared === null) throw new RotationFailure('INTERNAL')
  const prepared = attempt.unseal(attempt.row.prepared)
  // Nothing may be changed beside a current that somebody changed, or that a store put back from a backup only believes in.
  if (attempt.isResumed) await testCurrent(attempt)
  if (attempt.sentByOthers && !rotator.repeatable) return await recoverChange(attempt, prepared)

  const alone = !attempt.sentByOthers
  // Without a target nothing is sent: nothing has to be written down for it, and nothing is ever in doubt.
  const sendBy = rotator.withoutTarget ? attempt.sendBy() : await attempt.startSending()
  await attempt.services.at('apply: about to send')
  let credential: unknown
  try {
    credential = await attempt.ask(() => rotator.apply(inputs, prepared, attempt.context(sendBy)))
  } catch (error) {
    if (error instanceof WriteDownFirst) return await doInstead(attempt, error.prepared)
    await attempt.services.at('apply: no good answer')
    // Without an answer it may still land; with one, testing again does no harm.
    attempt.sentByOthers = true
    if (error instanceof RotationFailure && error.unchanged && alone) {
      attempt.sentByOthers = false
      await attempt.advance({ landsWithin: 'now' })
      await attempt.services.at('apply: written down that nothing changed')
    }
    if (error instanceof RotationFailure && error.code === 'TARGET_REJECTED_VALUE')
      return await burn(attempt, error, alone)
    throw error
  }
  await attempt.services.at('apply: answered')
  const sealed = attempt.seal(credential)
  if (rotator.madeByTarget) {
    await recordAnswer(db, attempt.row.id, sealed)
    await attempt.services.at('apply: answer kept')
  }
  // Answered, and sent by nobody else: nothing is on its way any more, so the next rotation need not wait.
  await attempt.advance({
    step: 'applied',
    credential: sealed,
    ...(alone && !rotator.withoutTarget && { landsWithin: 'now' as const }),
  })
}

/** The answer to a change that must not be sent twice was lost: the target is asked what became of it. */
async function recoverChange(attempt: Attempt, prepared: unknown): Promise<void> {
  await attempt.wait(await ownLandingWithin(attempt.services.environments.db, attempt.row.id))
  await attempt.services.at('recover: nothing can land')
  const answer = await attempt.recover(prepared)
  await attempt.services.at('recover: asked')
  if (answer === 'not made') {
    attempt.sentByOthers = false
    return await applyChange(attempt)
  }
  if (answer === 'unknown') throw new RotationFailure('OUTCOME_UNKNOWN')
  if ('suspects' in answer) throw suspected(answer.suspects)
  if ('instead' in answer) return await doInstead(attempt, answer.instead)
  await attempt.advance({ step: 'applied', credential: attempt.seal(answer.made) })
}

/** Nothing of this rotation is on its way: the row says something else from here on, and that is applied next. */
async function doInstead(attempt: Attempt, prepared: unknown): Promise<void> {
  if (++attempt.writtenFirst > MAX_WRITTEN_FIRST)
    throw new RotationFailure('KEY_LIMIT', 'room that was made at the target was taken by somebody else', {
      unchanged: true,
    })
  await attempt.services.at('apply: about to write down first')
  await attempt.advance({ prepared: attempt.seal(prepared), landsWithin: 'now' })
  attempt.sentByOthers = false
  await attempt.services.at('apply: written down first')
}

/** What a lost answer told of may be somebody else's as well: a person decides. */
export function suspected(suspects: string[]): RotationFailure {
  return new RotationFailure(
    'KEY_LIMIT',
    `an answer of the target was lost, and what it made cannot be told from what somebody else may have made: ` +
      `${suspects.join('; ')}. Remove there what nobody uses, or put it into the state as previous`,
  )
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
  await attempt.services.at('burn: tested')
  if (row.burntCount + 1 >= MAX_REFUSED_VALUES) throw refused
  const burnt = row.burnt === null ? [] : (attempt.unseal(row.burnt) as unknown[])
  await attempt.advance({
    step: 'planned',
    burnt: attempt.seal([...burnt, prepared]),
    burntCount: row.burntCount + 1,
    prepared: null,
    credential: null,
  })
  await attempt.services.at('burn: burnt')
}
