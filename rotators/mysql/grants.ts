/**
 * What an account may do from its log-in on: its own grants and those of the roles that it then has, as the server lists them.
 * Reads only, and keeps nothing of what these lists say about passwords.
 */
import { RotationFailure } from '../../model/failures.ts'
import type { Account } from './route.ts'
import type { Session } from './session.ts'
import { quoteAccount, quoteText } from './sql.ts'

export interface Grants {
  roles: Set<string>
  /** Roles that it has without asking for them, as they are written in SQL. */
  defaults: Set<string>
  privileges: Privilege[]
  /** What MySQL takes back in single databases of what is granted everywhere. */
  restrictions: Privilege[]
  limits: Set<string>
}

export interface Privilege {
  privilege: string
  object: string
}

export function noGrants(): Grants {
  return { roles: new Set(), defaults: new Set(), privileges: [], restrictions: [], limits: new Set() }
}

/** Undefined where the managing user may not see them. @throws RotationFailure */
export async function grantsOf(session: Session, account: Account): Promise<Grants | undefined> {
  const grants = noGrants()
  const lines = await linesOf(session, quoteAccount(account))
  if (lines === undefined || !(await readMysqlTables(session, account, grants))) return undefined
  for (const line of lines) readGrant(line, grants)
  if (!session.isMariadb && (await hasAllRoles(session)))
    for (const role of grants.roles) grants.defaults.add(role)
  await addRoles(session, grants)
  return grants
}

/** What those may do that it has by default, and those that these have. */
async function addRoles(session: Session, grants: Grants): Promise<void> {
  const seen = new Set<string>()
  const waiting = [...grants.defaults]
  for (let role = waiting.pop(); role !== undefined; role = waiting.pop()) {
    if (seen.has(role)) continue
    seen.add(role)
    const own = noGrants()
    // A role may have been dropped that is still somebody's default.
    const lines = await linesOf(session, role).catch((error: unknown) => {
      if (error instanceof RotationFailure && error.code === 'TARGET_NOT_FOUND') return []
      throw error
    })
    for (const line of lines ?? []) readGrant(line, own)
    grants.privileges.push(...own.privileges)
    grants.restrictions.push(...own.restrictions)
    waiting.push(...own.roles)
  }
}

async function linesOf(session: Session, who: string): Promise<string[] | undefined> {
  const rows = await session.see(`SHOW GRANTS FOR ${who}`)
  return rows?.map((row) => String(Object.values(row)[0]))
}

const LIMITS = {
  MAX_QUERIES_PER_HOUR: 'max_questions',
  MAX_UPDATES_PER_HOUR: 'max_updates',
  MAX_CONNECTIONS_PER_HOUR: 'max_connections',
  MAX_USER_CONNECTIONS: 'max_user_connections',
}

/** What MySQL leaves out of its list of grants, and MariaDB does not. False where it may not be seen. */
async function readMysqlTables(session: Session, account: Account, grants: Grants): Promise<boolean> {
  if (session.isMariadb) return true
  const is = `User = ${quoteText(account.name)} AND Host = ${quoteText(account.host)}`
  const rows = await session.see<Record<string, string | number>>(
    `SELECT ssl_type, ${Object.values(LIMITS).join(', ')} FROM mysql.user WHERE ${is}`,
  )
  const roles = await session.see<{ name: string; host: string }>(
    `SELECT DEFAULT_ROLE_USER AS name, DEFAULT_ROLE_HOST AS host FROM mysql.default_roles WHERE ${is}`,
  )
  if (rows === undefined || roles === undefined) return false
  const row = rows[0] ?? {}
  for (const [limit, column] of Object.entries(LIMITS))
    if (Number(row[column]) > 0) grants.limits.add(`${limit} ${Number(row[column])}`)
  const tls = String(row['ssl_type'] ?? '')
  if (tls !== '') grants.limits.add(`REQUIRE ${tls === 'ANY' ? 'SSL' : tls}`)
  for (const { name, host } of roles) grants.defaults.add(`${identifier(name)}@${identifier(host)}`)
  return true
}

async function hasAllRoles(session: Session): Promise<boolean> {
  const [row] = await session.query<{ all: unknown }>('SELECT @@GLOBAL.activate_all_roles_on_login AS `all`')
  return String(row?.all) === '1'
}

function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

const NAME = '(?:`(?:[^`]|``)*`|\'(?:[^\']|\'\')*\'|"(?:[^"]|"")*")'
const WHO = `${NAME}(?:@${NAME})?`
const OBJECT = `(?:[A-Z]+(?: BODY)? )?(?:\\*|${NAME})\\.(?:\\*|${NAME})|${WHO}`
const ROLES = new RegExp(
  `^(?:GRANT (${WHO}(?:, ?${WHO})*) TO|SET DEFAULT ROLE (${WHO}) FOR) ${WHO}( WITH ADMIN OPTION)?$`,
)
const PRIVILEGES = new RegExp(`^(GRANT|REVOKE) (.+?) ON (${OBJECT}) (?:TO|FROM) ${WHO}(.*)$`)

/** One line of SHOW GRANTS, of either product. */
export function readGrant(line: string, grants: Grants): void {
  const [, granted, standard, admin] = ROLES.exec(line) ?? []
  if (standard !== undefined) grants.defaults.add(standard)
  for (const [role] of (granted ?? '').matchAll(new RegExp(WHO, 'g'))) {
    grants.roles.add(role)
    if (admin !== undefined) grants.roles.add(`${role} with admin option`)
  }
  const [, kind, privileges, object, rest] = PRIVILEGES.exec(line) ?? []
  if (privileges === undefined || object === undefined) return
  const list = kind === 'REVOKE' ? grants.restrictions : grants.privileges
  for (const privilege of privileges.split(/, ?(?![^(]*\))/))
    if (privilege !== 'USAGE') list.push({ privilege, object })
  const after = (rest ?? '').replace(/ IDENTIFIED (BY PASSWORD|VIA|WITH) .*?(?= REQUIRE | WITH |$)/, '')
  if (/ WITH .*GRANT OPTION/.test(after)) list.push({ privilege: 'GRANT OPTION', object })
  for (const limit of after.match(/(MAX_\w+ [\d.]+|REQUIRE \w+)/g) ?? []) grants.limits.add(limit)
}
