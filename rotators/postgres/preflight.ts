/**
 * Asks the server, as the managing user, whether the next password can be set and used, so that a rotation that cannot
 * end well changes nothing. Reads only; shadowed functions cannot fool it, since every one is named with its schema.
 */
import { RotationFailure } from '../../model/failures.ts'
import type { Session } from './session.ts'

interface Findings {
  version: number
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
  may_connect: boolean
  has_admin: boolean
}

const QUESTION = `
  SELECT pg_catalog.current_setting('server_version_num')::int AS version,
         pg_catalog.pg_is_in_recovery() AS standby,
         pg_catalog.current_setting('password_encryption') AS encryption,
         me.rolname AS manager, me.rolsuper AS manager_super, me.rolcreaterole AS manager_creates,
         it.rolcanlogin AS can_login, it.rolsuper AS is_super, it.rolreplication AS is_replication,
         it.rolconnlimit = 0 AS closed,
         coalesce(it.rolvaliduntil <= pg_catalog.now(), false) AS expired,
         pg_catalog.has_database_privilege(it.oid, pg_catalog.current_database(), 'CONNECT') AS may_connect,
         pg_catalog.pg_has_role(me.oid, it.oid, 'MEMBER WITH ADMIN OPTION') AS has_admin
    FROM pg_catalog.pg_roles me
    LEFT JOIN pg_catalog.pg_roles it ON it.rolname = $1
   WHERE me.rolname = current_user`

/** @throws RotationFailure TARGET_NOT_FOUND, TARGET_DENIED, TARGET_UNREACHABLE */
export async function preflight(session: Session, username: string, database: string): Promise<void> {
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
  if (found.manager_super) return
  const manager = quoteIdentifier(found.manager)
  if (!found.manager_creates) {
    throw denied(`the managing user may not change other users; allow it: ALTER ROLE ${manager} CREATEROLE`)
  }
  if (found.is_super) throw denied(`${user} is a superuser, whose password only a superuser may change`)
  if (found.version < 160_000) {
    if (!found.is_replication) return
    throw denied(`${user} has REPLICATION, and before PostgreSQL 16 only a superuser may change its password`)
  }
  if (!found.has_admin) {
    throw denied(
      `the managing user may not change ${user}; grant it: GRANT ${role} TO ${manager} WITH ADMIN OPTION`,
    )
  }
}

/** Any name, as PostgreSQL reads it back unchanged. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
