/**
 * Sets one password, in a transaction that the server itself ends when anything takes too long: a client that dies,
 * hangs or wakes up late leaves either the whole change or none, and none after its deadline. Sends a verifier, never
 * the password.
 */
import { RotationFailure } from '../../model/failures.ts'
import type { RotatorContext } from '../rotator.ts'
import { passwordVerifier } from './password.ts'
import { quoteIdentifier } from './preflight.ts'
import type { PostgresCredential } from './schema.ts'
import type { Session } from './session.ts'

/** @throws RotationFailure */
export async function changePassword(
  session: Session,
  credential: PostgresCredential,
  limits: Pick<RotatorContext, 'changeTimeout' | 'sendBy' | 'at'>,
): Promise<void> {
  // Three waits, half of the time each: for ALTER ROLE to be sent, for its locks, for COMMIT to be sent. So the change
  // lands within one and a half times the limit after `sendBy`, or never.
  const half = Math.max(1, Math.floor(limits.changeTimeout / 2))
  // The shorter of the two, so that the answer names the reason.
  const lock = Math.max(1, Math.floor(half * 0.9))
  // The client gives up after the server has, to hear why.
  session.within(2 * limits.changeTimeout)
  const [server] = await session.script<{ encryption: string; iterations: number }>(
    `BEGIN READ WRITE;
     SET LOCAL lock_timeout = ${lock}; SET LOCAL statement_timeout = ${half};
     SET LOCAL idle_in_transaction_session_timeout = ${half};
     SELECT pg_catalog.current_setting('password_encryption') AS encryption,
            coalesce(pg_catalog.current_setting('scram_iterations', true), '4096')::int AS iterations`,
  )
  await limits.at?.('postgres: transaction begun')
  const verifier = await passwordVerifier(credential, server!)
  if (Date.now() > limits.sendBy) {
    throw new RotationFailure('TARGET_TIMEOUT', 'the change was not sent: too much time had passed before it')
  }
  await session.change(`ALTER ROLE ${quoteIdentifier(credential.username)} WITH PASSWORD '${verifier}'`)
  session.ignoreSignal()
  await limits.at?.('postgres: changed, not committed')
  const tag = await session.change('COMMIT')
  await limits.at?.('postgres: committed')
  if (tag !== 'COMMIT') throw new RotationFailure('TARGET_THROTTLED', 'the server rolled the change back')
}
