/** What the managing user can see of an account: MySQL and MariaDB keep it in different tables. Reads only. */
import type { Account } from './route.ts'
import type { Session } from './session.ts'
import { quoteText } from './sql.ts'

export interface Alternative {
  plugin?: string
  /** Whom the operating system must know it as, where that is somebody else. */
  systemUser?: string
}

export interface Found {
  /** How it logs in; `unseen` where the managing user may not read it. */
  plugin: string
  /** MariaDB: all that it may log in by, in its order, where that is more than `plugin`; which stands there without a name. */
  alternatives: Alternative[]
  locked: boolean
  expired: boolean
  /** Days for which a password is good; null for ever. */
  lifetime: number | null
  /** `''` where it need not come by TLS. */
  tls: string
  /** Must it show a certificate of its own? */
  certificate: boolean
}

export const UNSEEN = 'unseen'
export const NOTHING_SEEN: Found = {
  plugin: UNSEEN,
  alternatives: [],
  locked: false,
  expired: false,
  lifetime: null,
  tls: '',
  certificate: false,
}

const where = ({ name, host }: Account) => `User = ${quoteText(name)} AND Host = ${quoteText(host)}`

// In JSON, so that what it has no name for is left out; never the hash itself.
const MARIADB = (account: Account) => `
  SELECT JSON_VALUE(Priv, '$.plugin') AS plugin, JSON_QUERY(Priv, '$.auth_or') AS alternatives,
         JSON_VALUE(Priv, '$.account_locked') AS locked, JSON_VALUE(Priv, '$.is_role') AS is_role,
         JSON_VALUE(Priv, '$.password_last_changed') = '0' AS expired,
         JSON_VALUE(Priv, '$.password_lifetime') AS lifetime, @@GLOBAL.default_password_lifetime AS usual_lifetime,
         JSON_VALUE(Priv, '$.ssl_type') AS tls,
         JSON_VALUE(Priv, '$.ssl_type') = '2' OR COALESCE(JSON_VALUE(Priv, '$.x509_issuer'), '') <> ''
           OR COALESCE(JSON_VALUE(Priv, '$.x509_subject'), '') <> '' AS certificate
    FROM mysql.global_priv WHERE ${where(account)}`

const MYSQL = (account: Account) => `
  SELECT plugin, NULL AS alternatives, account_locked = 'Y' AS locked, NULL AS is_role, password_expired = 'Y' AS expired,
         password_lifetime AS lifetime, @@GLOBAL.default_password_lifetime AS usual_lifetime, ssl_type AS tls,
         ssl_type = 'X509' OR x509_issuer <> '' OR x509_subject <> '' AS certificate
    FROM mysql.user WHERE ${where(account)}`

interface Row {
  plugin: string | null
  alternatives: unknown
  locked: unknown
  is_role: unknown
  expired: unknown
  lifetime: unknown
  usual_lifetime: unknown
  tls: unknown
  certificate: unknown
}

/** Undefined when there is no such account. @throws RotationFailure */
export async function findAccount(session: Session, account: Account): Promise<Found | undefined> {
  const rows = await session.see<Row>(session.isMariadb ? MARIADB(account) : MYSQL(account))
  if (rows === undefined) return await unseen(session, account)
  const [row] = rows
  if (row === undefined || isTrue(row.is_role)) return undefined
  const lifetime =
    row.lifetime === null || Number(row.lifetime) < 0 ? Number(row.usual_lifetime) : Number(row.lifetime)
  return {
    // Accounts that are older than plugins have none.
    plugin: row.plugin === null || row.plugin === '' ? 'mysql_native_password' : row.plugin,
    alternatives: alternativesOf(row.alternatives),
    locked: isTrue(row.locked),
    expired: isTrue(row.expired),
    lifetime: lifetime > 0 ? lifetime : null,
    tls: tlsOf(row.tls),
    certificate: isTrue(row.certificate),
  }
}

/** MySQL tells whoever may change users that one exists. */
async function unseen(session: Session, { name, host }: Account): Promise<Found | undefined> {
  if (session.isMariadb) return NOTHING_SEEN
  const rows = await session.see(
    `SELECT 1 AS found FROM information_schema.user_attributes WHERE USER = ${quoteText(name)} AND HOST = ${quoteText(host)}`,
  )
  return rows?.length === 0 ? undefined : NOTHING_SEEN
}

function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'true'
}

/** MariaDB counts the kinds, MySQL names them. */
function tlsOf(value: unknown): string {
  const kind = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  return kind === '0' ? '' : kind
}

function alternativesOf(value: unknown): Alternative[] {
  if (value === null || value === undefined) return []
  const list: unknown = typeof value === 'string' ? JSON.parse(value) : value
  if (!Array.isArray(list)) return []
  return (list as { plugin?: string; authentication_string?: string }[]).map(
    ({ plugin, authentication_string: text }) => ({
      ...(plugin && { plugin }),
      // Of every other plugin it would be a hash.
      ...(plugin === 'unix_socket' && text && { systemUser: text }),
    }),
  )
}
