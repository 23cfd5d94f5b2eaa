/**
 * The statement that gives an account a new password and leaves everything else of it as it is, its plugin above all. Sends
 * what the server stores instead of the password wherever the server takes that.
 */
import { RotationFailure } from '../../model/failures.ts'
import { UNSEEN } from './accounts.ts'
import type { Alternative, Found } from './accounts.ts'
import { ed25519Hash, nativeHash } from './password.ts'
import type { Account } from './route.ts'
import type { Session } from './session.ts'
import { quoteAccount, quoteText } from './sql.ts'

const MARIADB_HASHES: Record<string, (password: string) => string> = {
  mysql_native_password: nativeHash,
  ed25519: ed25519Hash,
}

const KEEPS_PASSWORDS = [
  'mysql_native_password',
  'mysql_old_password',
  'ed25519',
  'parsec',
  'caching_sha2_password',
  'sha256_password',
  UNSEEN,
]

/** True for an account that logs in with a password which the server itself keeps. */
export function canBeSet({ plugin, alternatives }: Found): boolean {
  return (
    KEEPS_PASSWORDS.includes(plugin) &&
    // Kept beside it as it is: a way in from the server's own machine.
    alternatives.every((other) => other.plugin === undefined || other.plugin === 'unix_socket')
  )
}

/** Does the server have a policy that wants to see passwords themselves? */
async function isChecked(session: Session): Promise<boolean> {
  const rows = session.isMariadb
    ? await session.query(
        `SELECT 1 AS found FROM information_schema.plugins
          WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE' LIMIT 1`,
      )
    : await session.query(`SHOW GLOBAL VARIABLES LIKE 'validate_password%'`)
  return rows.length > 0
}

/** @throws RotationFailure INPUT_INVALID where the password itself would have to be sent and anybody could read it */
export async function statementFor(
  session: Session,
  account: Account,
  password: string,
  found: Found,
): Promise<string> {
  const user = `ALTER USER ${quoteAccount(account)} IDENTIFIED`
  const checked = await isChecked(session)
  if (!session.isMariadb) {
    if (found.plugin === 'mysql_native_password' && !checked)
      return `${user} WITH mysql_native_password AS ${quoteText(nativeHash(password))}`
    // Without a plugin: MySQL keeps the one that the account has, and hides the password from its logs.
    demandPrivacy(session)
    return `${user} BY ${quoteText(password)}`
  }
  // Without a plugin MariaDB would go back to this one, so it is what an account has whose plugin cannot be seen.
  const plugin =
    found.plugin === UNSEEN || found.plugin === 'mysql_old_password' ? 'mysql_native_password' : found.plugin
  const hash = checked ? undefined : MARIADB_HASHES[plugin]
  if (!hash) demandPrivacy(session)
  const value = hash ? quoteText(hash(password)) : `PASSWORD(${quoteText(password)})`
  const ways = (found.alternatives.length > 0 ? found.alternatives : [{}]).map(
    ({ plugin: other, systemUser }: Alternative) => {
      if (other === undefined) return `${plugin} USING ${value}`
      return systemUser === undefined ? other : `${other} USING ${quoteText(systemUser)}`
    },
  )
  return `${user} VIA ${ways.join(' OR ')}`
}

function demandPrivacy(session: Session): void {
  if (session.isPrivate) return
  throw new RotationFailure(
    'INPUT_INVALID',
    `${session.place} has to be sent the new password itself, and its certificate was not checked; set database.sslmode to verify-full`,
  )
}
