/** Revisions that Temporal knows to have been published and the store does not have: it came from an older copy. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table lost_revisions (
    environment_id uuid primary key references environments on delete cascade,
    revision integer not null,
    reported_at timestamptz not null
  )`.execute(db)
}
