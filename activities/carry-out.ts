/**
 * One path of an action by hand: what has to be asked or removed at the target, up to the point where the commit can
 * carry out the rest. Safe to repeat: an attempt that was lost is done again from its start.
 */
import { RotationFailure } from '../model/failures.ts'
import { dataKeyOf, findEnvironmentById, type Environment } from '../store/environments.ts'
import type { RotationEvent } from '../store/events.ts'
import { advance } from '../store/journal.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { getRevision, type Revision } from '../store/revisions.ts'
import { adoptCredential } from './adopt-credential.ts'
import { Attempt, isRefusedLogin } from './attempt.ts'
import { documentOf, evaluateRotateCall, type EvaluatedCall } from './definition.ts'
import { discardRotation } from './discard-rotation.ts'
import { loginsOfEvent } from './logins-of-event.ts'
import type { ActivityServices } from './services.ts'
import { settleByItself } from './settle-by-itself.ts'
import { undoRotation } from './undo-rotation.ts'

/** One row of an event by hand, and how to get an attempt at a call of a revision. */
export interface ActionAttempt {
  services: ActivityServices
  row: Rotation
  event: RotationEvent
  environment: Environment
  /** The newest revision when the event was planned. */
  base: Revision
  /** Evaluates a call with the rights of whoever asks; as much of `call` as is given takes its place. */
  attemptAt(
    revision: Revision,
    path: string,
    rotator: string,
    call?: Partial<EvaluatedCall>,
  ): Promise<Attempt>
}

/** Leaves the row at `verified`, or closed. @throws RotationFailure, StaleAttempt */
export async function carryOut(
  services: ActivityServices,
  row: Rotation,
  event: RotationEvent,
  signal: AbortSignal,
): Promise<Rotation> {
  const { db, keeper } = services.environments
  const environment = await findEnvironmentById(db, row.environmentId)
  const base = await getRevision(db, row.environmentId, event.baseRevision)
  if (!environment || !base) throw new RotationFailure('INTERNAL')
  const dataKey = await dataKeyOf(db, keeper, row.environmentId)
  const evaluated: EvaluatedCall[] = []
  const action: ActionAttempt = {
    services,
    row,
    event,
    environment,
    base,
    attemptAt: async (revision, path, rotator, part = {}) => {
      const call = await evaluateRotateCall(services, {
        environment,
        login: event.login,
        document: documentOf(environment, revision),
        path,
        rotator,
        logins: 'open',
        loginCache: loginsOfEvent(row.eventId, 0),
      })
      evaluated.push(call)
      return new Attempt(services, row, { ...call, ...part }, { dataKey, signal })
    },
  }
  try {
    return await act(action)
  } catch (error) {
    // A login may have ended while what was on its way was waited for: made anew, once.
    if (!isRefusedLogin(error) || !evaluated.map((call) => call.dropLogins()).includes(true)) throw error
    return await act(action)
  }
}

async function act(action: ActionAttempt): Promise<Rotation> {
  const { services, row, event } = action
  switch (event.action) {
    case 'adopt':
      return await adoptCredential(action)
    case 'undo':
      return await undoRotation(action)
    case 'discard':
      return await discardRotation(action)
    case 'settle':
      return await settleByItself(action)
    default:
      // The store alone is concerned: the commit does it.
      return await advance(services.environments.db, row, { step: 'verified', verified: true })
  }
}
