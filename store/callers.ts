/**
 * Who asks for what, in one question: the token's owner, the environment of that name, and the grants there. Every
 * request asks it anew, so that taking a token or a grant away works at once; those that come together ask together.
 */
import { sql, type RawBuilder } from 'kysely'
import type { EnvironmentName } from '../model/environment-name.ts'
import { highestLevel, type Level } from '../model/permissions.ts'
import { batched, oncePer } from './batch.ts'
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
  const row = await callers(db)({ ...name, key: hashOf(token).toString('hex') })
  await acceptToken(db, row && { ...row, id: row.tokenId })
  return { login: row!.login, ...environmentOf(row!) }
}

/** The environment of that name and what `login` may do there. */
export async function findEnvironmentOf(
  db: Queryable,
  login: string,
  name: EnvironmentName,
): Promise<EnvironmentOfCaller> {
  const row = await environments(db)({ ...name, key: login })
  return row ? environmentOf(row) : { environment: undefined, level: null }
}

/** `key`: the hash of a token in hexadecimal digits, or a login. */
type Question = EnvironmentName & { key: string }

type EnvironmentRow = { [Key in keyof Environment]: Environment[Key] | null } & {
  /** Of the question, from 1. */
  at: number
  levels: Level[]
}

type CallerRow = EnvironmentRow & {
  tokenId: string
  login: string
  revokedAt: Date | null
  expired: boolean
  usedJustNow: boolean
}

const callers = oncePer((db: Queryable) =>
  batched((questions: Question[]) =>
    askOnce<CallerRow>(db, questions, (asked) => {
      return sql`
        select asked.at::int, t.id as "tokenId", t.login, t.revoked_at as "revokedAt",
          coalesce(t.expires_at <= now(), false) as expired,
          coalesce(t.last_used_at > now() - interval '1 minute', false) as "usedJustNow",
          ${environmentColumns(sql`t.login`)}
        from ${asked}
        join access_tokens t on t.hash = decode(asked.key, 'hex')
        left join environments e on ${IS_NAMED}`
    }),
  ),
)

const environments = oncePer((db: Queryable) =>
  batched((questions: Question[]) =>
    askOnce<EnvironmentRow>(db, questions, (asked) => {
      return sql`
        select asked.at::int, ${environmentColumns(sql`asked.key`)}
        from ${asked}
        join environments e on ${IS_NAMED}`
    }),
  ),
)

/** Equal questions are one. */
async function askOnce<Row extends EnvironmentRow>(
  db: Queryable,
  questions: Question[],
  statement: (asked: RawBuilder<unknown>) => RawBuilder<unknown>,
): Promise<(Row | undefined)[]> {
  const keys = questions.map(({ key, organization, project, name }) =>
    JSON.stringify([key, organization, project, name]),
  )
  const different = new Map(keys.map((key, at) => [key, questions[at]!]))
  const list = [...different.values()]
  const column = (part: keyof Question) => sql`${list.map((question) => question[part])}::text[]`
  const asked = sql`unnest(${column('key')}, ${column('organization')}, ${column('project')}, ${column('name')})
    with ordinality as asked (key, organization, project, name, at)`
  const { rows } = await sql<Row>`${statement(asked)}`.execute(db)
  const answers = new Map(rows.map((row) => [row.at, row]))
  const places = new Map([...different.keys()].map((key, at) => [key, at + 1]))
  return keys.map((key) => answers.get(places.get(key)!))
}

const IS_NAMED = sql`e.organization = asked.organization and e.project = asked.project and e.name = asked.name
  and e.deleted_at is null`

function environmentColumns(login: RawBuilder<unknown>) {
  return sql`e.id, e.organization, e.project, e.name, e.newest_revision as "newestRevision",
    e.created_at as "createdAt", e.modified_at as "modifiedAt", e.deleted_at as "deletedAt",
    array(
      select g.level from grants g
      where g.login = ${login} and g.organization = e.organization and (
        g.project is null or (g.project = e.project and g.environment_id is null) or g.environment_id = e.id)
    ) as levels`
}

function environmentOf(row: EnvironmentRow): EnvironmentOfCaller {
  if (row.id === null) return { environment: undefined, level: null }
  const { id, organization, project, name, newestRevision, createdAt, modifiedAt, deletedAt } = row
  const environment = { id, organization, project, name, newestRevision, createdAt, modifiedAt, deletedAt }
  return { environment: environment as Environment, level: highestLevel(row.levels) }
}
