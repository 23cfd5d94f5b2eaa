/** Two users that take turns: whose turn it is, and what opening yields between two rotations. Pure. */
import { RotationFailure } from '../../model/failures.ts'
import type { RotatorState } from '../rotator.ts'
import type { DatabaseCredential } from './schema.ts'

/** The slot to be written first: never the one that is `current`. @throws RotationFailure STATE_INVALID */
export function nextUser(
  [first, second]: readonly [string, string],
  state: RotatorState<DatabaseCredential>,
): string {
  if (state.current === null) return first
  const { username } = state.current
  if (username === first) return second
  if (username === second) return first
  throw new RotationFailure(
    'STATE_INVALID',
    `the state's current user ${JSON.stringify(username)} is neither of rotateUsers; name it there again, or drop the state`,
  )
}

/** @throws RotationFailure STATE_INVALID before the first rotation */
export function openTurns(state: RotatorState<DatabaseCredential>): {
  current: DatabaseCredential
  previous?: DatabaseCredential
} {
  if (state.current === null) throw new RotationFailure('STATE_INVALID', 'not rotated yet')
  return state.previous === null
    ? { current: state.current }
    : { current: state.current, previous: state.previous }
}

/** `prepared` is written for a user that a definition still names. @throws RotationFailure INPUT_INVALID */
export function demandUser(users: readonly string[], username: string): void {
  if (users.includes(username)) return
  throw new RotationFailure('INPUT_INVALID', `rotateUsers no longer name ${JSON.stringify(username)}`)
}

/** For the managing user, whom the server refused at its log-in. */
export function managingRefused(place: { host: string; port: number }, username: string): RotationFailure {
  return new RotationFailure(
    'LOGIN_FAILED',
    `${place.host}:${place.port} refused the managing user ${JSON.stringify(username)}; correct database.managingUser`,
  )
}
