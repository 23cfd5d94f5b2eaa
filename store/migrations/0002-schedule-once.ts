/** A schedule is due by a cron text or at one instant, never both. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table schedules
      alter column cron drop not null,
      add column once_at timestamptz,
      add constraint schedules_cron_or_once check ((cron is null) <> (once_at is null))
  `.execute(db)
}
