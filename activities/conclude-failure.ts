/**
 * What a failure means for a rotation: tried again while the target's time lasts; else failed, if the target is known
 * not to hold the new value or the value is kept sealed; else unknown, and the next rotation settles it first.
 */
import { CancelledFailure } from '@temporalio/activity'
import { FAILURES, RotationFailure, type FailureCode } from '../model/failures.ts'
import { advance } from '../store/journal.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { ownLandingWithin } from '../store/unsettled.ts'
import { isStoreAway } from '../store/away.ts'
import type { Attempt } from './attempt.ts'
import { codeFailure, originOf } from './guarded.ts'
import type { ActivityServices } from './services.ts'

/** Errors of ours (the store away, a defect) are tried again; a defect that stays becomes INTERNAL after so many. */
const OWN_ERRORS_TRIED = 20
/** How long a login that was made with a credential of the same event may be refused. */
const FRESH_LOGIN_MS = 60_000
const SHORTEST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 15_000

interface Situation {
  row: Rotation
  attempt?: Attempt
  /** When this attempt began, as `performance.now()` says: neither a clock that is set nor a machine that slept counts. */
  startedAt: number
  attemptNumber: number
}

/**
 * @returns the closed row; or `it works after all`, when the target turns out to hold the new value.
 * @throws ApplicationFailure, retryable, while there is time; StaleAttempt.
 */
export async function concludeFailure(
  services: ActivityServices,
  error: unknown,
  situation: Situation,
): Promise<Rotation | 'it works after all'> {
  if (isCancellation(error)) throw new CancelledFailure('CANCELLED')
  const failure = asFailure(services, error, situation)
  const row = situation.attempt?.row ?? situation.row
  if (isTransient(failure, row)) await tryAgainInTime(services, failure, row, situation.startedAt)

  const close = async (
    outcome: 'failed' | 'unknown',
    code: FailureCode,
    message: string,
    settled: boolean,
  ) => {
    await services.at('conclude: about to close')
    const closed = await advance(services.environments.db, row, {
      outcome,
      failureCode: code,
      message,
      settled,
    })
    await services.at('conclude: closed')
    return closed
  }
  const inDoubt = failure.code === 'KEY_LIMIT' && !failure.unchanged && row.step === 'prepared'
  if (failure.code === 'OUTCOME_UNKNOWN' || inDoubt)
    return await close('unknown', failure.code, failure.message, false)
  // Nothing was sent, or (a refused value) all that was sent has been answered and tested.
  if (row.step === 'planned')
    return await close('failed', failure.code, failure.message, row.sentUntil !== null)
  // Applied: the new value is kept sealed, and the next rotation takes it up.
  if (row.step !== 'prepared') return await close('failed', failure.code, failure.message, false)
  const answer = situation.attempt ? await whatBecameOfIt(situation.attempt) : withoutAsking(row)
  await services.at('conclude: asked')
  if (answer === 'works' && situation.attempt) {
    await situation.attempt.advance({ step: 'applied' })
    await services.at('conclude: it works')
    return 'it works after all'
  }
  if (answer === 'refused') return await close('failed', failure.code, failure.message, true)
  return await close(
    'unknown',
    'OUTCOME_UNKNOWN',
    `${FAILURES.OUTCOME_UNKNOWN.words} (${failure.message})`,
    false,
  )
}

/** A login that was rotated a moment ago, in this event, may not be known everywhere yet. */
function isTransient(failure: RotationFailure, row: Rotation): boolean {
  if (failure.code === 'LOGIN_FAILED') return row.dependsOn.length > 0 && row.budgetUsed < FRESH_LOGIN_MS
  return FAILURES[failure.code].retry
}

/** Counts the time against the target's budget, in the row, and has Temporal try again; returns when it is used up. */
async function tryAgainInTime(
  services: ActivityServices,
  failure: RotationFailure,
  row: Rotation,
  startedAt: number,
): Promise<void> {
  const used = row.budgetUsed + (performance.now() - startedAt)
  const ours = Math.min(LONGEST_DELAY_MS, Math.max(SHORTEST_DELAY_MS, row.budgetUsed / 2))
  const delay = Math.max(failure.retryAfter ?? 0, ours)
  if (used + delay > services.limits.targetBudget) return
  await advance(services.environments.db, row, { budgetUsed: used + delay, message: failure.message })
  await services.at('conclude: counted')
  throw codeFailure(failure.code, { nextRetryDelay: delay })
}

/** Asks the target whether the value that may have been sent arrived, when nothing of it can still land. */
async function whatBecameOfIt(attempt: Attempt): Promise<'works' | 'refused' | 'cannot tell'> {
  const { rotator } = attempt.call
  const prepared = attempt.row.prepared === null ? null : attempt.unseal(attempt.row.prepared)
  const candidate = prepared === null ? null : rotator.candidate(prepared)
  if (attempt.row.sentUntil === null) return withoutAsking(attempt.row)
  try {
    if (candidate === null) return await whatRecoverSays(attempt, prepared)
    const landing = await ownLandingWithin(attempt.services.environments.db, attempt.row.id)
    const answer = await attempt.test(candidate)
    // Each refused log-in is one that a target may count: not asked again where nothing can have landed since.
    if (answer === 'works' || landing <= 0) return answer
    await attempt.wait(landing)
    return await attempt.test(candidate)
  } catch (error) {
    if (isCancellation(error)) throw error
    return 'cannot tell'
  }
}

async function whatRecoverSays(attempt: Attempt, prepared: unknown): Promise<'refused' | 'cannot tell'> {
  await attempt.wait(await ownLandingWithin(attempt.services.environments.db, attempt.row.id))
  const answer = prepared === null ? 'unknown' : await attempt.recover(prepared)
  return answer === 'not made' ? 'refused' : 'cannot tell'
}

function withoutAsking(row: Rotation): 'refused' | 'cannot tell' {
  return row.sentUntil === null ? 'refused' : 'cannot tell'
}

function asFailure(services: ActivityServices, error: unknown, situation: Situation): RotationFailure {
  if (error instanceof RotationFailure) return error
  services.log.error(originOf(error), 'a rotation met an unexpected error')
  // A store that is away says nothing about the target: no attempt that was lost to it counts, however many.
  if (isStoreAway(error) || situation.attemptNumber < OWN_ERRORS_TRIED) {
    throw codeFailure('INTERNAL')
  }
  return new RotationFailure('INTERNAL')
}

function isCancellation(error: unknown): boolean {
  return error instanceof CancelledFailure || (error instanceof Error && error.name === 'AbortError')
}
