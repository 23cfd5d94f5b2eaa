/**
 * Who asks for what, in one question: the token's owner, the environment of that name, and the grants there. Every
 * request asks it anew, so that taking a token or a grant away works at once; those that come together ask together.
 */
import { CompiledQuery } from 'kysely'
import type { EnvironmentName } from '../model/environment-name.ts'
import { highestLevel, type Level } from '../model/permissions.ts'
import { batched, oncePer } from './batch.ts'
import type { Queryable } from './database.ts'
import type { Environment } from './environments.ts'
import { sessionIdOf, type OpenSession } from './sessions.ts'
import { acceptToken, hashOf } from './tokens.ts'

/** An environment and the highest level that any grant gives a person on it. */
export interface EnvironmentOfCaller {
  environment: Environment | undefined
  level: Level | null
}

export interface Caller extends EnvironmentOfCaller {
  login: string
  /** The one that was asked for, if it is this person's, in this environment, and has not expired. */
  session: OpenSession | undefined
  /** What was asked about beside it, by full name. */
  others: ReadonlyMap<string, EnvironmentOfCaller>
}

export interface AskedBeside {
  /** The id of a session, as somebody gave it. */
  session?: string | undefined
  others?: readonly EnvironmentName[]
}

/** @throws Refusal unauthenticated as `authenticateToken` */
export async function findCaller(
  db: Queryable,
  token: string,
  name: EnvironmentName,
  { session, others = [] }: AskedBeside = {},
): Promise<Caller> {
  const key = hashOf(token).toString('hex')
  const ask = callers(db)
  const [row, ...more] = await Promise.all([
    ask({ ...name, key, session: sessionIdOf(session) }),
    ...others.map((other) => ask({ ...other, key, session: null })),
  ])
  await acceptToken(db, row && { ...row, id: row.tokenId })
  return {
    login: row!.login,
    ...environmentOf(row!),
    session: sessionOf(row!),
    others: new Map(others.map((other, at) => [fullName(other), environmentOf(more[at]!)])),
  }
}

/** As `Caller.others` has it. */
export function fullName({ organization, project, name }: EnvironmentName): string {
  return `${organization}/${project}/${name}`
}

/** The environment of that name and what `login` may do there. */
export async function findEnvironmentOf(
  db: Queryable,
  login: string,
  name: EnvironmentName,
): Promise<EnvironmentOfCaller> {
  const row = await environments(db)({ ...name, key: login, session: null })
  return row ? environmentOf(row) : { environment: undefined, level: null }
}

/** `key`: the hash of a token in hexadecimal digits, or a login. */
type Question = EnvironmentName & { key: string; session: string | null }

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
  sessionId: string | null
  sessionRevision: number
  sessionExpiresAt: Date
  sessionLeftMs: number
}

// In selects of their own, since else a plan is made for each number of questions, each time: that takes three times as
// long as the answer.
const ASKED = `unnest((select $1::text[]), (select $2::text[]), (select $3::text[]), (select $4::text[]), (select $5::uuid[]))
  with ordinality as asked (key, organization, project, name, session, at)`

const IS_NAMED = `e.organization = asked.organization and e.project = asked.project and e.name = asked.name
  and e.deleted_at is null`

const environmentColumns = (login: string) => `e.id, e.organization, e.project, e.name,
  e.newest_revision as "newestRevision",
  e.created_at as "createdAt", e.modified_at as "modifiedAt", e.deleted_at as "deletedAt",
  array(
    select g.level from grants g
    where g.login = ${login} and g.organization = e.organization and (
      g.project is null or (g.project = e.project and g.environment_id is null) or g.environment_id = e.id)
  ) as levels`

// Texts, not builders: every request comes here, and they are the same each time.
const CALLERS = `
  select asked.at::int, t.id as "tokenId", t.login, t.revoked_at as "revokedAt",
    coalesce(t.expires_at <= now(), false) as expired,
    coalesce(t.last_used_at > now() - interval '1 minute', false) as "usedJustNow",
    s.id as "sessionId", s.revision as "sessionRevision", s.expires_at as "sessionExpiresAt",
    (extract(epoch from s.expires_at - now()) * 1000)::float8 as "sessionLeftMs",
    ${environmentColumns('t.login')}
  from ${ASKED}
  join access_tokens t on t.hash = decode(asked.key, 'hex')
  left join environments e on ${IS_NAMED}
  left join open_sessions s on s.id = asked.session and s.environment_id = e.id and s.login = t.login
    and s.expires_at > now()`

const ENVIRONMENTS = `
  select asked.at::int, ${environmentColumns('asked.key')}
  from ${ASKED}
  join environments e on ${IS_NAMED}`

const callers = oncePer((db: Queryable) =>
  batched((questions: Question[]) => askOnce<CallerRow>(db, questions, CALLERS)),
)

const environments = oncePer((db: Queryable) =>
  batched((questions: Question[]) => askOnce<EnvironmentRow>(db, questions, ENVIRONMENTS)),
)

/** Equal questions are one. */
async function askOnce<Row extends EnvironmentRow>(
  db: Queryable,
  questions: Question[],
  statement: string,
): Promise<(Row | undefined)[]> {
  const keys = questions.map(({ key, organization, project, name, session }) =>
    JSON.stringify([key, organization, project, name, session]),
  )
  const different = new Map(keys.map((key, at) => [key, questions[at]!]))
  const list = [...different.values()]
  const columns = PARTS.map((part) => list.map((question) => question[part]))
  const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(statement, columns))
  const answers = new Map(rows.map((row) => [row.at, row]))
  const places = new Map([...different.keys()].map((key, at) => [key, at + 1]))
  return keys.map((key) => answers.get(places.get(key)!))
}

/** In the order of `ASKED`. */
const PARTS = ['key', 'organization', 'project', 'name', 'session'] as const

function sessionOf(row: CallerRow): OpenSession | undefined {
  const { sessionId, id, login, sessionRevision, sessionExpiresAt, sessionLeftMs } = row
  if (sessionId === null || id === null) return undefined
  return {
    id: sessionId,
    environmentId: id,
    revision: sessionRevision,
    login,
    expiresAt: sessionExpiresAt,
    leftMs: sessionLeftMs,
  }
}

function environmentOf(row: EnvironmentRow): EnvironmentOfCaller {
  if (row.id === null) return { environment: undefined, level: null }
  const { id, organization, project, name, newestRevision, createdAt, modifiedAt, deletedAt } = row
  const environment = { id, organization, project, name, newestRevision, createdAt, modifiedAt, deletedAt }
  return { environment: environment as Environment, level: highestLevel(row.levels) }
}
