/** Looks for what explains that a password is refused which the server should take. Reads only. */
import { RotationFailure } from '../../model/failures.ts'
import { poolerRefusal } from './poolers.ts'
import { preflight } from './preflight.ts'
import type { Session } from './session.ts'

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
    if (error instanceof RotationFailure && /^TARGET_(NOT_FOUND|DENIED)$/.test(error.code))
      return error.message
    throw error
  }
  const [server] = await session.query<{ pid: number }>('SELECT pg_catalog.pg_backend_pid() AS pid')
  return server && session.isPooled(server.pid) ? poolerRefusal(session.place, who) : undefined
}
