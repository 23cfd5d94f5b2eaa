/** Looks for what explains that a password which the server has taken is refused. Reads only; whoever asks has no better words. */
import { RotationFailure } from '../../model/failures.ts'
import { poolerRefusal } from './poolers.ts'
import { preflight } from './preflight.ts'
import type { Session } from './session.ts'

interface Findings {
  pid: number
  encryption: string
}

/** @returns words, undefined where nothing is found. @throws RotationFailure when the server cannot be asked */
export async function whyRefused(
  session: Session,
  { username, database }: { username: string; database: string },
): Promise<string | undefined> {
  const who = `user ${JSON.stringify(username)}`
  try {
    await preflight(session, { username, users: [], database })
  } catch (error) {
    // Changed by somebody since it was looked at before.
    if (error instanceof RotationFailure && /^TARGET_(NOT_FOUND|DENIED)$/.test(error.code)) return error.message
    throw error
  }
  const [found] = await session.query<Findings>(
    `SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.current_setting('password_encryption') AS encryption`,
  )
  if (found && session.isPooled(found.pid)) return poolerRefusal(session.place, who)
  if (found && found.encryption !== 'scram-sha-256') {
    return (
      `the new password of ${who} was refused: the server keeps it as md5, and its pg_hba.conf may demand scram-sha-256; ` +
      "set password_encryption = 'scram-sha-256' there. The next rotation takes it up first"
    )
  }
  return undefined
}
