/**
 * A real log-in with a credential, and who the server then says one is. What lets somebody in without asking for that
 * password proves nothing: an anonymous account, another account of the same name, a server that checks nobody.
 */
import { RotationFailure } from '../../model/failures.ts'
import type { Limits } from '../database/deadline.ts'
import { LoginRefused } from '../database/failures.ts'
import type { TestAnswer } from '../rotator.ts'
import { skipsGrants } from './failures.ts'
import { accountText } from './route.ts'
import type { Account, Route } from './route.ts'
import type { MysqlCredential } from './schema.ts'
import { Session } from './session.ts'

/** @param accounts those that the definition names @throws RotationFailure when it cannot tell */
export async function logsIn(
  route: Route,
  accounts: readonly Account[],
  credential: MysqlCredential,
  limits: Limits,
): Promise<TestAnswer> {
  // An account without a password would let it in, and prove nothing.
  if (credential.password === '') return 'refused'
  // In a state that people wrote, the host part may stand as well.
  const named = accounts.find(
    (account) => account.name === credential.username || accountText(account) === credential.username,
  )
  const username = named?.name ?? credential.username
  let session: Session
  try {
    session = await Session.open(route, { username, password: credential.password, managing: false }, limits)
  } catch (error) {
    if (error instanceof LoginRefused) return 'refused'
    throw error
  }
  try {
    const [answer] = await session.query<{ is: string }>('SELECT CURRENT_USER() AS `is`')
    judge(route, username, named, String(answer?.is))
    return 'works'
  } finally {
    session.close()
  }
}

function judge(route: Route, username: string, named: Account | undefined, is: string): void {
  const place = `${route.host}:${route.port}`
  const who = `user ${JSON.stringify(username)}`
  const at = is.lastIndexOf('@')
  const name = is.slice(0, Math.max(0, at))
  const host = is.slice(at + 1).toLowerCase()
  if (name.startsWith('skip-grants ') || (name === '' && host === '')) throw skipsGrants(place)
  const failed = (words: string) => new RotationFailure('VERIFY_FAILED', words)
  if (name === '') {
    throw failed(
      `${place} let ${who} in as an anonymous account, which stands before it; drop the anonymous accounts: DROP USER ''@'…'`,
    )
  }
  if (name !== username)
    throw failed(`logging in to ${place} as ${who} led to another user; see its proxy users`)
  if (named !== undefined && host !== named.host) {
    throw failed(
      `${place} let ${who} in by another account of that name, for other hosts than ${JSON.stringify(named.host)}; name that one in rotateUsers, or drop it`,
    )
  }
}
