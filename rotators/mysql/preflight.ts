/**
 * Asks the server, as the managing user, whether the next password can be set and used, so that a rotation that cannot end
 * well changes nothing. Reads only; what the managing user may not see is left to the change itself.
 */
import { RotationFailure } from '../../model/failures.ts'
import { UNSEEN, findAccount } from './accounts.ts'
import type { Found } from './accounts.ts'
import { readOnly } from './failures.ts'
import { canBeSet } from './new-password.ts'
import { accountText } from './route.ts'
import type { Account } from './route.ts'
import type { Session } from './session.ts'
import { shownAccount } from './sql.ts'

/** @throws RotationFailure TARGET_NOT_FOUND, TARGET_DENIED, TARGET_UNREACHABLE */
export async function preflight(session: Session, account: Account): Promise<Found> {
  if (session.isReadOnly) throw readOnly(session.place)
  await demandPrivilege(session)
  const user = `user ${JSON.stringify(accountText(account))}`
  const sql = shownAccount(account)
  const missing = (words: string) => new RotationFailure('TARGET_NOT_FOUND', words)
  const found = await findAccount(session, account)
  if (found === undefined) {
    throw missing(
      `${user} does not exist; create it: CREATE USER ${sql} IDENTIFIED BY '…', or name the host part that it has`,
    )
  }
  if (found.locked) throw missing(`${user} is locked; unlock it: ALTER USER ${sql} ACCOUNT UNLOCK`)
  demandPassword(session, account, found)
  if (found.certificate) {
    throw new RotationFailure(
      'TARGET_DENIED',
      `${user} may only log in with a certificate of its own (REQUIRE X509, ISSUER or SUBJECT), and Rekey has none to try a password with; ALTER USER ${sql} REQUIRE SSL`,
    )
  }
  if (found.tls !== '' && !session.isEncrypted) {
    throw new RotationFailure(
      'TARGET_DENIED',
      `${user} may only log in over TLS (REQUIRE SSL); set database.sslmode to verify-full`,
    )
  }
  return found
}

/** @throws RotationFailure TARGET_NOT_FOUND for an account whose way of logging in a new password would take away */
export function demandPassword(session: Session, account: Account, found: Found): void {
  if (found.plugin === UNSEEN || canBeSet(found)) return
  const by = session.isMariadb
    ? 'VIA mysql_native_password USING PASSWORD(…)'
    : 'WITH caching_sha2_password BY …'
  throw new RotationFailure(
    'TARGET_NOT_FOUND',
    `user ${JSON.stringify(accountText(account))} does not log in with a password that the server keeps (${pluginText(found)}); change it: ALTER USER ${shownAccount(account)} IDENTIFIED ${by}`,
    { unchanged: true },
  )
}

/** What ought to be known of an account that is to be written, in words. */
export function warningsOf(account: Account, { lifetime }: Found): string[] {
  if (lifetime === null) return []
  const name = JSON.stringify(accountText(account))
  return [
    `a password of user ${name} expires ${lifetime} days after it was set; rotate it more often than that`,
  ]
}

/** Everybody may see what he has himself. */
async function demandPrivilege(session: Session): Promise<void> {
  const grants = (await session.query('SHOW GRANTS')).map((row) => String(Object.values(row)[0]))
  const may = grants.some(
    (grant) =>
      /^GRANT [^`']*\b(ALL PRIVILEGES|CREATE USER|UPDATE)\b[^`']* ON \*\.\* TO /.test(grant) ||
      /^GRANT [^`']*\b(ALL PRIVILEGES|UPDATE)\b[^`']* ON [`"']?mysql[`"']?\.\* TO /.test(grant) ||
      // By a role, whose privileges need not be listed.
      !/ ON /.test(grant),
  )
  if (may) return
  throw new RotationFailure(
    'TARGET_DENIED',
    'the managing user may not change other users; allow it: GRANT CREATE USER ON *.* TO the managing user',
  )
}

/** A server may have plugins of any name. */
function pluginText({ plugin, alternatives }: Found): string {
  const names = [...alternatives.map((other) => other.plugin), plugin].filter((name) => name !== undefined)
  return names.map((name) => (/^\w{1,64}$/.test(name) ? name : 'another plugin')).join(' or ')
}
