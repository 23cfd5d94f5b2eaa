/**
 * Whether the store is older than the world: what it was last told that it lacks, and how to tell that it may have been
 * put back. Who knows better is asked elsewhere.
 */
import { sql } from 'kysely'
import type { Database, Queryable } from './database.ts'

/** A revision that a run in Temporal says it published. */
export interface ReportedRevision {
  environmentId: string
  revision: number
  /** When the run ended, by Temporal's clock. */
  at: Date
}

/** Another one whenever the server began anew (a restore, a failover, a restart) or the tables were made again. */
export async function incarnationOf(db: Database): Promise<string> {
  const { rows } = await sql<{ incarnation: string }>`
    select concat_ws('/', extract(epoch from pg_postmaster_start_time()),
      (select oid from pg_database where datname = current_database()),
      pg_relation_filenode('rotation_events')) as incarnation`.execute(db)
  return rows[0]!.incarnation
}

/** When the store last published anything; undefined when it never did. */
export async function newestPublication(db: Queryable): Promise<Date | undefined> {
  const { newest } = await db
    .selectFrom('rotation_events')
    .select((eb) => eb.fn.max('completed_at').as('newest'))
    .where('post_revision', 'is not', null)
    .executeTakeFirstOrThrow()
  return newest ?? undefined
}

/** Keeps those that the store does not have; gives them. */
export async function recordLost(db: Queryable, reported: ReportedRevision[]): Promise<ReportedRevision[]> {
  const lost: ReportedRevision[] = []
  for (const one of reported) {
    const row = await db
      .insertInto('lost_revisions')
      .columns(['environment_id', 'revision', 'reported_at'])
      .expression((from) =>
        from
          .selectFrom('environments')
          .select([
            'id',
            sql<number>`${one.revision}::integer`.as('revision'),
            sql<Date>`${one.at}::timestamptz`.as('at'),
          ])
          .where('id', '=', one.environmentId)
          .where('deleted_at', 'is', null)
          .where('newest_revision', '<', one.revision),
      )
      .onConflict((conflict) =>
        conflict.column('environment_id').doUpdateSet({
          revision: sql`greatest(lost_revisions.revision, excluded.revision)`,
          reported_at: sql`greatest(lost_revisions.reported_at, excluded.reported_at)`,
        }),
      )
      .returning('environment_id')
      .executeTakeFirst()
    if (row) lost.push(one)
  }
  return lost
}

/** What the newest revision of an environment is older than; one that was written since answers for itself. */
export async function lostRevision(
  db: Queryable,
  environmentId: string,
): Promise<{ revision: number; newest: number } | undefined> {
  return await db
    .selectFrom('lost_revisions as lost')
    .innerJoin('environments', 'environments.id', 'lost.environment_id')
    .innerJoin('revisions', (join) =>
      join
        .onRef('revisions.environment_id', '=', 'environments.id')
        .onRef('revisions.number', '=', 'environments.newest_revision'),
    )
    .select(['lost.revision', 'revisions.number as newest'])
    .where('lost.environment_id', '=', environmentId)
    .whereRef('lost.revision', '>', 'revisions.number')
    .whereRef('lost.reported_at', '>', 'revisions.created_at')
    .executeTakeFirst()
}
