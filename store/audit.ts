/** Who did what, appended in the transaction that does it and never changed. Never a secret, never a definition's text. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'

export interface AuditEntry {
  /** A login, or `system`. */
  actor: string
  /** Noun and verb: `environment.save`, `rotation.request`, `grant.give`. */
  action: string
  organization?: string
  environmentId?: string
  /** Ids, numbers, names and codes. */
  details?: Record<string, string | number | boolean | null | string[]>
}

export async function appendAudit(db: Queryable, entry: AuditEntry): Promise<void> {
  await db
    .insertInto('audit_log')
    .values({
      actor: entry.actor,
      action: entry.action,
      organization: entry.organization ?? null,
      environment_id: entry.environmentId ?? null,
      details: JSON.stringify(entry.details ?? {}),
    })
    .execute()
}

/** What happened to an environment, newest first; only entries before `before`, when it is given. */
export async function listAudit(
  db: Queryable,
  environmentId: string,
  { before, count = 100 }: { before?: string; count?: number } = {},
): Promise<{ id: string; at: Date; actor: string; action: string; details: unknown }[]> {
  let query = db
    .selectFrom('audit_log')
    .select(['id', 'at', 'actor', 'action', 'details'])
    .where('environment_id', '=', environmentId)
  if (before !== undefined) query = query.where(sql<boolean>`id < ${before}::bigint`)
  return query.orderBy('id', 'desc').limit(count).execute()
}
