/**
 * A rotation as far as it can be tried without one: the preflight, `ALTER ROLE` in a transaction that rolls back, and a
 * comparison of the two users. Leaves nothing at the server: no password, no lock.
 */
import { RotationFailure } from '../../model/failures.ts'
import { generatePassword } from '../database/password.ts'
import type { Rehearsal, RotatorContext } from '../rotator.ts'
import { compareUsers } from './compare-users.ts'
import { passwordVerifier } from './password.ts'
import { poolerWarning } from './poolers.ts'
import { preflight, quoteIdentifier, type Asked } from './preflight.ts'
import type { Session } from './session.ts'

/** Milliseconds. Whoever holds a lock on the user must not be kept waiting by somebody who only asks. */
const LOCK_LIMIT = 1_000
/** How often a target may refuse a value before a rotation is given up. */
const VALUES = 3

/** @throws RotationFailure as the rotation would */
export async function rehearse(
  session: Session,
  { next, other, database }: { next: string; other: string; database: string },
  { changeTimeout, timeout }: Pick<RotatorContext, 'changeTimeout' | 'timeout'>,
): Promise<Rehearsal> {
  const users = [next, other]
  const warnings = await preflight(session, { username: next, users, database })
  for (let left = VALUES; ; left -= 1) {
    try {
      await tryChange(session, next, Math.max(1, Math.min(LOCK_LIMIT, changeTimeout)))
      break
    } catch (error) {
      if (!(error instanceof RotationFailure)) throw error
      if (error.code === 'TARGET_REJECTED_VALUE' && left > 1) continue
      // Somebody else is at this user just now, perhaps a rotation: it is tried again then, and so it is no failure.
      if (error.code !== 'TARGET_THROTTLED') throw error
      warnings.push('the change could not be tried: another session changed the same user at the same time')
      break
    }
  }
  warnings.push(...(await nextButOne(session, { username: other, users, database })))
  warnings.push(...(await compareUsers(session, { next, other }, timeout)))
  return { writes: `user ${JSON.stringify(next)}`, first: [], warnings }
}

/**
 * One message holds all of it, so that nothing of this process can come in between: the server begins, changes and
 * takes it back by itself, within the limit, whatever becomes of the connection.
 */
async function tryChange(session: Session, username: string, limit: number): Promise<void> {
  const [server] = await session.query<{ encryption: string; iterations: number }>(
    `SELECT pg_catalog.current_setting('password_encryption') AS encryption,
            coalesce(pg_catalog.current_setting('scram_iterations', true), '4096')::int AS iterations`,
  )
  // Nobody ever logs in with this one.
  const verifier = await passwordVerifier({ username, password: generatePassword() }, server!)
  await session.tryOut(
    `BEGIN READ WRITE;
     SET LOCAL lock_timeout = ${Math.ceil(limit * 0.9)}; SET LOCAL statement_timeout = ${limit};
     SET LOCAL idle_in_transaction_session_timeout = ${limit};
     ALTER ROLE ${quoteIdentifier(username)} WITH PASSWORD '${verifier}';
     ROLLBACK`,
  )
}

/** The other user is written by the rotation after this one: what would stop that is told now. */
async function nextButOne(session: Session, asked: Asked): Promise<string[]> {
  try {
    const warnings = await preflight(session, asked)
    return warnings.filter((words) => words !== poolerWarning(session.place))
  } catch (error) {
    if (!(error instanceof RotationFailure)) throw error
    return [`the rotation after this one would fail with ${error.code}: ${error.message}`]
  }
}
