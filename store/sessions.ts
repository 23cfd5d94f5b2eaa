/** Who opened which revision until when. The values that were opened are never stored. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { AuditEntry } from './audit.ts'
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

const COLUMNS = [
  'id',
  'environment_id as environmentId',
  'revision',
  'login',
  'expires_at as expiresAt',
  sql<number>`(extract(epoch from expires_at - now()) * 1000)::float8`.as('leftMs'),
] as const

/** Makes a session and its line in the audit log, in one statement: there is not one without the other. */
export async function createSession(
  db: Queryable,
  session: {
    environmentId: string
    organization: string
    revision: number
    login: string
    durationMs: number
  },
): Promise<OpenSession> {
  const id = randomUUID()
  const action: AuditEntry['action'] = 'environment.open'
  const details: AuditEntry['details'] = { revision: session.revision, session: id }
  return db
    .with('audited', (inner) =>
      inner.insertInto('audit_log').values({
        actor: session.login,
        action,
        organization: session.organization,
        environment_id: session.environmentId,
        details: JSON.stringify(details),
      }),
    )
    .insertInto('open_sessions')
    .values({
      id,
      environment_id: session.environmentId,
      revision: session.revision,
      login: session.login,
      expires_at: sql<Date>`now() + ${session.durationMs} * interval '1 millisecond'`,
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow()
}

/** The session of this person in this environment, unless it has expired. */
export async function findSession(
  db: Queryable,
  { id, environmentId, login }: { id: string; environmentId: string; login: string },
): Promise<OpenSession | undefined> {
  return db
    .selectFrom('open_sessions')
    .select(COLUMNS)
    .where(sql<boolean>`id::text = ${id}`)
    .where('environment_id', '=', environmentId)
    .where('login', '=', login)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
}

/** Forgets what has expired; how many. */
export async function deleteExpiredSessions(db: Queryable): Promise<number> {
  const gone = await db
    .deleteFrom('open_sessions')
    .where('expires_at', '<=', sql<Date>`now()`)
    .executeTakeFirst()
  return Number(gone.numDeletedRows)
}
