/**
 * Who asks for what, in one question: the token's owner, the environment of that name, and the grants there. Every
 * request asks it anew, so that taking a token or a grant away works at once.
 */
import { sql, type RawBuilder } from 'kysely'
import type { EnvironmentName } from '../model/environment-name.ts'
import { highestLevel, type Level } from '../model/permissions.ts'
import type { Queryable } from './database.ts'
import type { Environment } from './environments.ts'
import { acceptToken, hashOf } from './tokens.ts'

/** An environment and the highest level that any grant gives a person on it. */
export interface EnvironmentOfCaller {
  environment: Environment | undefined
  level: Level | null
}

/** @throws Refusal unauthenticated as `authenticateToken` */
export async function findCaller(
  db: Queryable,
  token: string,
  name: EnvironmentName,
): Promise<EnvironmentOfCaller & { login: string }> {
  const { rows } = await sql<CallerRow>`
    select t.id as "tokenId", t.login, t.revoked_at as "revokedAt",
      coalesce(t.expires_at <= now(), false) as expired,
      coalesce(t.last_used_at > now() - interval '1 minute', false) as "usedJustNow",
      ${environmentColumns(sql`t.login`)}
    from access_tokens t
    left join environments e on ${isNamed(name)}
    where t.hash = ${hashOf(token)}`.execute(db)
  const [row] = rows
  await acceptToken(db, row && { ...row, id: row.tokenId })
  return { login: row!.login, ...environmentOf(row!) }
}

/** The environment of that name and what `login` may do there. */
export async function findEnvironmentOf(
  db: Queryable,
  login: string,
  name: EnvironmentName,
): Promise<EnvironmentOfCaller> {
  const { rows } = await sql<EnvironmentRow>`
    select ${environmentColumns(sql`${login}::text`)} from environments e where ${isNamed(name)}`.execute(db)
  return rows[0] ? environmentOf(rows[0]) : { environment: undefined, level: null }
}

type EnvironmentRow = { [Key in keyof Environment]: Environment[Key] | null } & { levels: Level[] }

type CallerRow = EnvironmentRow & {
  tokenId: string
  login: string
  revokedAt: Date | null
  expired: boolean
  usedJustNow: boolean
}

function environmentColumns(login: RawBuilder<unknown>) {
  return sql`e.id, e.organization, e.project, e.name, e.newest_revision as "newestRevision",
    e.created_at as "createdAt", e.modified_at as "modifiedAt", e.deleted_at as "deletedAt",
    array(
      select g.level from grants g
      where g.login = ${login} and g.organization = e.organization and (
        g.project is null or (g.project = e.project and g.environment_id is null) or g.environment_id = e.id)
    ) as levels`
}

function isNamed({ organization, project, name }: EnvironmentName) {
  return sql`e.organization = ${organization} and e.project = ${project} and e.name = ${name} and e.deleted_at is null`
}

function environmentOf(row: EnvironmentRow): EnvironmentOfCaller {
  if (row.id === null) return { environment: undefined, level: null }
  const { id, organization, project, name, newestRevision, createdAt, modifiedAt, deletedAt } = row
  const environment = { id, organization, project, name, newestRevision, createdAt, modifiedAt, deletedAt }
  return { environment: environment as Environment, level: highestLevel(row.levels) }
}
