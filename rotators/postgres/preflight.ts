/**
 * Asks the server, as the managing user, whether the next password can be set and used, so that a rotation that cannot
 * end well changes nothing. Reads only; shadowed functions cannot fool it, since every one is named with its schema.
 */
import { RotationFailure } from '../../model/failures.ts'
import { poolerWarning } from './poolers.ts'
import type { Session } from './session.ts'

interface Findings {
  version: number
  /** Whom the log-in led to; another one than was asked for where poolers and maps of users say so. */
  session_user: string
  pid: number
  standby: boolean
  encryption: string
  manager: string
  manager_super: boolean
  manager_creates: boolean
  /** Null, like all below, when there is no such role. */
  can_login: boolean | null
  is_super: boolean
  is_replication: boolean
  closed: boolean
  expired: boolean
  /** Null where it does not expire within WARNED_BEFORE. */
  expires: string | null
  may_connect: boolean
  has_admin: boolean
}

/** A user that expires sooner may do so while its password is the published one. */
const WARNED_BEFORE = '30 days'

const QUESTION = `
  SELECT pg_catalog.current_setting('server_version_num')::int AS version,
         session_user::pg_catalog.text AS session_user, pg_catalog.pg_backend_pid() AS pid,
         pg_catalog.pg_is_in_recovery() AS standby,
         pg_catalog.current_setting('password_encryption') AS encryption,
         me.rolname AS manager, me.rolsuper AS manager_super, me.rolcreaterole AS manager_creates,
         it.rolcanlogin AS can_login, it.rolsuper AS is_super, it.rolreplication AS is_replication,
         it.rolconnlimit = 0 AS closed,
         coalesce(it.rolvaliduntil <= pg_catalog.now(), false) AS expired,
         CASE WHEN it.rolvaliduntil <= pg_catalog.now() + interval '${WARNED_BEFORE}'
              THEN pg_catalog.to_char(it.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') END AS expires,
         pg_catalog.has_database_privilege(it.oid, pg_catalog.current_database(), 'CONNECT') AS may_connect,
         pg_catalog.pg_has_role(me.oid, it.oid, 'MEMBER WITH ADMIN OPTION') AS has_admin
    FROM pg_catalog.pg_roles me
    LEFT JOIN pg_catalog.pg_roles it ON it.rolname = $1
   WHERE me.rolname = current_user`

export interface Asked {
  /** Who is to get a password. */
  username: string
  /** Both users that take turns. */
  users: readonly string[]
  database: string
}

/**
 * @returns warnings
 * @throws RotationFailure TARGET_NOT_FOUND, TARGET_DENIED, TARGET_UNREACHABLE, INPUT_INVALID
 */
export async function preflight(session: Session, { username, users, database }: Asked): Promise<string[]> {
  const [found] = await session.query<Findings>(QUESTION, [username])
  if (found === undefined)
    throw new RotationFailure('TARGET_DENIED', 'the managing user may not read pg_roles')
  const user = `user ${JSON.stringify(username)}`
  const role = quoteIdentifier(username)
  const missing = (words: string) => new RotationFailure('TARGET_NOT_FOUND', words)
  const denied = (words: string) => new RotationFailure('TARGET_DENIED', words)
  if (found.standby) {
    throw new RotationFailure(
      'TARGET_UNREACHABLE',
      'the server is a standby; database.host must name the primary',
    )
  }
  for (const self of [found.session_user, found.manager]) {
    if (!users.includes(self)) continue
    throw new RotationFailure(
      'INPUT_INVALID',
      `logging in as the managing user led to ${JSON.stringify(self)}, which is one of rotateUsers and would lock itself out; see pg_ident.conf, poolers and ALTER ROLE … SET role`,
    )
  }
  if (found.can_login === null) throw missing(`${user} does not exist; create it: CREATE ROLE ${role} LOGIN`)
  if (!found.can_login) throw missing(`${user} may not log in; allow it: ALTER ROLE ${role} LOGIN`)
  if (found.closed)
    throw missing(`${user} has a connection limit of 0; raise it: ALTER ROLE ${role} CONNECTION LIMIT -1`)
  if (found.expired)
    throw missing(`${user} has expired; extend it: ALTER ROLE ${role} VALID UNTIL 'infinity'`)
  if (!found.may_connect) {
    const on = quoteIdentifier(database)
    throw denied(
      `${user} may not connect to the database; grant it: GRANT CONNECT ON DATABASE ${on} TO ${role}`,
    )
  }
  const warnings = session.isPooled(found.pid) ? [poolerWarning(session.place)] : []
  if (found.expires !== null) {
    warnings.push(
      `${user} expires at ${found.expires} UTC, whatever its password is by then; Rekey never extends that: ALTER ROLE ${role} VALID UNTIL 'infinity'`,
    )
  }
  if (found.manager_super) return warnings
  const manager = quoteIdentifier(found.manager)
  if (!found.manager_creates) {
    throw denied(`the managing user may not change other users; allow it: ALTER ROLE ${manager} CREATEROLE`)
  }
  if (found.is_super) throw denied(`${user} is a superuser, whose password only a superuser may change`)
  if (found.version < 160_000) {
    if (!found.is_replication) return warnings
    throw denied(`${user} has REPLICATION, and before PostgreSQL 16 only a superuser may change its password`)
  }
  if (!found.has_admin) {
    throw denied(
      `the managing user may not change ${user}; grant it: GRANT ${role} TO ${manager} WITH ADMIN OPTION`,
    )
  }
  return warnings
}

/** Any name, as PostgreSQL reads it back unchanged. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
