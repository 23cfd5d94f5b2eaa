/**
 * What an application would notice when it logs in as the other user of the two: attributes, settings, memberships and
 * effective privileges. Reads the catalogs of one database only; names settings and never shows their values.
 */
import { RotationFailure } from '../../model/failures.ts'
import type { Session } from './session.ts'

interface Attributes {
  name: string
  id: number
  superuser: boolean
  inherit: boolean
  create_role: boolean
  create_db: boolean
  replication: boolean
  bypass_rls: boolean
  connection_limit: number
  valid_until: string | null
  settings: string[]
}

interface Difference {
  /** `table`, `schema`, `role` … */
  kind: string
  object: string
  privilege: string
  /** True where the user that is written next lacks it, false where the other one does. */
  next_lacks: boolean
}

/** More would be read by nobody; that there are more is said. */
const NAMED = 5
const COUNTED = 1_000

const ATTRIBUTES = `
  SELECT r.rolname::pg_catalog.text AS name, r.oid::pg_catalog.int8::float8 AS id, r.rolsuper AS superuser, r.rolinherit AS inherit,
         r.rolcreaterole AS create_role, r.rolcreatedb AS create_db, r.rolreplication AS replication,
         r.rolbypassrls AS bypass_rls, r.rolconnlimit AS connection_limit,
         CASE WHEN r.rolvaliduntil = 'infinity' THEN NULL ELSE r.rolvaliduntil::pg_catalog.text END AS valid_until,
         ARRAY(SELECT u.setting FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS u(setting)
                WHERE s.setrole = r.oid AND s.setdatabase IN
                      (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
                ORDER BY s.setdatabase, u.setting) AS settings
    FROM pg_catalog.pg_roles r WHERE r.rolname IN ($1, $2)`

// Effective ones, as the server itself decides: by grant, by membership, by ownership, by PUBLIC.
const PRIVILEGES = `
  WITH u AS (SELECT $1::pg_catalog.oid AS next, $2::pg_catalog.oid AS other),
  ours AS (
    SELECT n.oid, n.nspname, n.nspowner FROM pg_catalog.pg_namespace n
     WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'),
  relations AS (
    SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relkind, c.relowner
      FROM pg_catalog.pg_class c JOIN ours n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')),
  has AS (
    SELECT 'database' AS kind, pg_catalog.current_database()::pg_catalog.text AS object, p AS privilege,
           pg_catalog.has_database_privilege(u.next, pg_catalog.current_database(), p) AS next,
           pg_catalog.has_database_privilege(u.other, pg_catalog.current_database(), p) AS other
      FROM u, pg_catalog.unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) AS p
    UNION ALL
    SELECT 'schema', n.nspname::pg_catalog.text, p, pg_catalog.has_schema_privilege(u.next, n.oid, p), pg_catalog.has_schema_privilege(u.other, n.oid, p)
      FROM u, ours n, pg_catalog.unnest(ARRAY['USAGE', 'CREATE']) AS p
    UNION ALL
    SELECT 'table', c.name, p, pg_catalog.has_table_privilege(u.next, c.oid, p), pg_catalog.has_table_privilege(u.other, c.oid, p)
      FROM u, relations c, pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
     WHERE c.relkind <> 'S'
    UNION ALL
    SELECT 'table', c.name, p || ' on some columns', pg_catalog.has_any_column_privilege(u.next, c.oid, p), pg_catalog.has_any_column_privilege(u.other, c.oid, p)
      FROM u, relations c, pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p
     WHERE c.relkind <> 'S' AND pg_catalog.has_table_privilege(u.next, c.oid, p) = pg_catalog.has_table_privilege(u.other, c.oid, p)
    UNION ALL
    SELECT 'sequence', c.name, p, pg_catalog.has_sequence_privilege(u.next, c.oid, p), pg_catalog.has_sequence_privilege(u.other, c.oid, p)
      FROM u, relations c, pg_catalog.unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS p
     WHERE c.relkind = 'S'
    UNION ALL
    SELECT 'function', n.nspname || '.' || f.proname, 'EXECUTE', pg_catalog.has_function_privilege(u.next, f.oid, 'EXECUTE'), pg_catalog.has_function_privilege(u.other, f.oid, 'EXECUTE')
      FROM u, pg_catalog.pg_proc f JOIN ours n ON n.oid = f.pronamespace
    UNION ALL
    SELECT 'owner', o.name, 'OWNER', pg_catalog.pg_has_role(u.next, o.owner, 'USAGE'), pg_catalog.pg_has_role(u.other, o.owner, 'USAGE')
      FROM u, (SELECT name, relowner AS owner FROM relations
               UNION ALL SELECT 'schema ' || nspname, nspowner FROM ours
               UNION ALL SELECT 'database ' || d.datname, d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) o
    UNION ALL
    SELECT 'role', r.rolname::pg_catalog.text, p, pg_catalog.pg_has_role(u.next, r.oid, p), pg_catalog.pg_has_role(u.other, r.oid, p)
      FROM u, pg_catalog.pg_roles r,
           -- Before PostgreSQL 16 every member may act as the role.
           pg_catalog.unnest(ARRAY['MEMBER', 'USAGE', 'MEMBER WITH ADMIN OPTION'] ||
             CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000 THEN ARRAY['SET'] ELSE ARRAY[]::pg_catalog.text[] END) AS p
     WHERE r.oid NOT IN (u.next, u.other)
    UNION ALL
    SELECT 'default privileges', coalesce('schema ' || s.nspname, 'all schemas') || ' of ' || pg_catalog.pg_get_userbyid(d.defaclrole), a.privilege_type || ' (' || d.defaclobjtype::pg_catalog.text || ')',
           pg_catalog.bool_or(a.grantee = 0 OR pg_catalog.pg_has_role(u.next, CASE a.grantee WHEN 0 THEN u.next ELSE a.grantee END, 'USAGE')),
           pg_catalog.bool_or(a.grantee = 0 OR pg_catalog.pg_has_role(u.other, CASE a.grantee WHEN 0 THEN u.other ELSE a.grantee END, 'USAGE'))
      FROM u, pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace s ON s.oid = d.defaclnamespace,
           pg_catalog.aclexplode(d.defaclacl) a
     GROUP BY 2, 3
    UNION ALL
    SELECT 'row security policy', p.polname || ' on ' || c.name, 'APPLIES',
           pg_catalog.bool_or(r = 0 OR pg_catalog.pg_has_role(u.next, CASE r WHEN 0 THEN u.next ELSE r END, 'USAGE')),
           pg_catalog.bool_or(r = 0 OR pg_catalog.pg_has_role(u.other, CASE r WHEN 0 THEN u.other ELSE r END, 'USAGE'))
      FROM u, pg_catalog.pg_policy p JOIN relations c ON c.oid = p.polrelid, pg_catalog.unnest(p.polroles) AS r
     GROUP BY 2)
  SELECT kind, object, privilege, other AS next_lacks FROM has WHERE next <> other
   ORDER BY kind, object, privilege LIMIT ${COUNTED + 1}`

/** Warnings; `next` is the user that would be written, `other` the one that applications use now. @throws RotationFailure */
export async function compareUsers(
  session: Session,
  { next, other }: { next: string; other: string },
  timeout: number,
): Promise<string[]> {
  const found = await session.query<Attributes>(ATTRIBUTES, [next, other])
  const one = found.find(({ name }) => name === next)
  const two = found.find(({ name }) => name === other)
  // That one of them is missing has been said in better words.
  if (!one || !two) return []
  const warnings = differentAttributes(one, two)
  // Nothing is denied to a superuser: each difference would be one more way to say so.
  if (one.superuser || two.superuser) return warnings
  try {
    // In a transaction: a pooler would hand a limit of the session on to the next who gets it.
    await session.script(
      `BEGIN READ ONLY; SET LOCAL statement_timeout = ${Math.max(1, Math.floor(timeout / 2))}; SELECT 1`,
    )
    const differences = await session.query<Difference>(PRIVILEGES, [String(one.id), String(two.id)])
    await session.query('COMMIT')
    return [...warnings, ...differentPrivileges(differences, next, other)]
  } catch (error) {
    // Too many objects, or one that was dropped meanwhile: no reason to say that the rotation would fail.
    if (!(error instanceof RotationFailure) || error.code === 'TARGET_UNREACHABLE') throw error
    return [...warnings, 'the privileges of the two users could not be compared']
  }
}

const ATTRIBUTE_NAMES = [
  ['superuser', 'SUPERUSER'],
  ['inherit', 'INHERIT'],
  ['create_role', 'CREATEROLE'],
  ['create_db', 'CREATEDB'],
  ['replication', 'REPLICATION'],
  ['bypass_rls', 'BYPASSRLS'],
] as const

function differentAttributes(next: Attributes, other: Attributes): string[] {
  const [one, two] = [quoted(next.name), quoted(other.name)]
  const warnings: string[] = []
  for (const [key, attribute] of ATTRIBUTE_NAMES) {
    if (next[key] === other[key]) continue
    warnings.push(
      `user ${next[key] ? one : two} has ${attribute}, and user ${next[key] ? two : one} does not`,
    )
  }
  if (next.connection_limit !== other.connection_limit) {
    const limit = (count: number) => (count < 0 ? 'none' : String(count))
    warnings.push(
      `their connection limits differ: ${limit(next.connection_limit)} for user ${one}, ${limit(other.connection_limit)} for user ${two}`,
    )
  }
  if (next.valid_until !== other.valid_until) {
    const until = (time: string | null) => time ?? 'for ever'
    warnings.push(
      `user ${one} is valid ${next.valid_until === null ? '' : 'until '}${until(next.valid_until)}, ` +
        `user ${two} ${other.valid_until === null ? '' : 'until '}${until(other.valid_until)}`,
    )
  }
  const settings = differentSettings(next.settings, other.settings)
  if (settings.length > 0)
    warnings.push(
      `their settings differ (ALTER ROLE … SET): ${named(settings)}, for user ${one} and user ${two}`,
    )
  return warnings
}

/** Names alone: a setting may hold what is nobody's business. */
function differentSettings(one: string[], two: string[]): string[] {
  const only = [...one.filter((text) => !two.includes(text)), ...two.filter((text) => !one.includes(text))]
  return [...new Set(only.map((text) => text.split('=', 1)[0] ?? ''))].sort()
}

function differentPrivileges(differences: Difference[], next: string, other: string): string[] {
  const warnings: string[] = []
  for (const lacks of [true, false]) {
    const [poor, rich] = lacks ? [next, other] : [other, next]
    const those = differences.filter(({ next_lacks }) => next_lacks === lacks)
    const when = lacks ? 'after this rotation' : 'after the one that follows'
    const roles = [
      ...new Set(those.filter(({ kind }) => kind === 'role').map(({ object }) => quoted(object))),
    ]
    const add = (words: string, list: string[]) => {
      if (list.length > 0) warnings.push(`${words}, which applications would miss ${when}: ${named(list)}`)
    }
    add(
      `user ${quoted(rich)} is a member of roles that user ${quoted(poor)} is not, inherits from them, may act as them or grant them`,
      roles,
    )
    const owned = those.filter(({ kind }) => kind === 'owner').map(({ object }) => object)
    add(`user ${quoted(rich)} owns what user ${quoted(poor)} does not`, owned)
    const rest = those.filter(({ kind }) => kind !== 'role' && kind !== 'owner')
    add(
      `user ${quoted(rich)} has privileges that user ${quoted(poor)} lacks`,
      rest.map(({ kind, object, privilege }) => `${privilege} on ${kind} ${object}`),
    )
  }
  return warnings
}

function named(list: string[]): string {
  const more = list.length - NAMED
  return (
    list.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more >= COUNTED - NAMED ? 'many' : more} more` : '')
  )
}

function quoted(name: string): string {
  return JSON.stringify(name)
}
