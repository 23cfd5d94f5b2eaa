/** Who opened which revision until when. The values that were opened are never stored. */
import { randomUUID } from 'node:crypto'
import { CompiledQuery, sql } from 'kysely'
import type { AuditEntry } from './audit.ts'
import { batched, oncePer } from './batch.ts'
import type { Queryable } from './database.ts'

export interface OpenSession {
  id: string
  environmentId: string
  revision: number
  login: string
  expiresAt: Date
  /** Milliseconds that are left, by the store's clock. */
  leftMs: number
}

const COLUMNS = `s.id, s.environment_id as "environmentId", s.revision, s.login, s.expires_at as "expiresAt",
  (extract(epoch from s.expires_at - now()) * 1000)::float8 as "leftMs"`

export interface NewSession {
  environmentId: string
  organization: string
  revision: number
  login: string
  durationMs: number
}

/** Makes a session and its line in the audit log, in one statement: there is not one without the other. */
export async function createSession(db: Queryable, session: NewSession): Promise<OpenSession> {
  return creations(db)({ ...session, id: randomUUID() })
}

const ACTION: AuditEntry['action'] = 'environment.open'

// A text, not a builder: it is the same each time.
const CREATE = `
  with made as (
    select made.id, made.environment_id, made.organization, made.revision, made.login, made.duration
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::float8[])
      as made (id, environment_id, organization, revision, login, duration)
  ), audited as (
    insert into audit_log (actor, action, organization, environment_id, details)
    select login, '${ACTION}', organization, environment_id,
      jsonb_build_object('revision', revision, 'session', id) from made
  )
  insert into open_sessions as s (id, environment_id, revision, login, expires_at)
  select id, environment_id, revision, login, now() + duration * interval '1 millisecond' from made
  returning ${COLUMNS}`
/** In the order of `CREATE`. */
const PARTS = ['id', 'environmentId', 'organization', 'revision', 'login', 'durationMs'] as const

const creations = oncePer((db: Queryable) =>
  batched(async (made: (NewSession & { id: string })[]) => {
    const columns = PARTS.map((part) => made.map((session) => session[part]))
    const { rows } = await db.executeQuery<OpenSession>(CompiledQuery.raw(CREATE, columns))
    return inOrder(made, rows) as OpenSession[]
  }),
)

/** The session of this person in this environment, unless it has expired. */
export async function findSession(
  db: Queryable,
  { id, environmentId, login }: { id: string; environmentId: string; login: string },
): Promise<OpenSession | undefined> {
  const found = await lookups(db)({ id })
  return found?.environmentId === environmentId && found.login === login ? found : undefined
}

/** What people give as an id may be anything. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The id as the store can be asked for it; null for what is none. */
export function sessionIdOf(given: string | undefined): string | null {
  return given !== undefined && UUID.test(given) ? given : null
}

const lookups = oncePer((db: Queryable) =>
  batched(async (asked: { id: string }[]) => {
    const ids = asked.map(({ id }) => id).filter((id) => UUID.test(id))
    const { rows } = await sql<OpenSession>`
      select ${sql.raw(COLUMNS)} from open_sessions s where s.id = any(${ids}::uuid[]) and s.expires_at > now()`.execute(
      db,
    )
    return inOrder(asked, rows)
  }),
)

function inOrder(asked: { id: string }[], rows: OpenSession[]): (OpenSession | undefined)[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return asked.map(({ id }) => byId.get(id))
}

/** Forgets what has expired; how many. */
export async function deleteExpiredSessions(db: Queryable): Promise<number> {
  const gone = await db
    .deleteFrom('open_sessions')
    .where('expires_at', '<=', sql<Date>`now()`)
    .executeTakeFirst()
  return Number(gone.numDeletedRows)
}
