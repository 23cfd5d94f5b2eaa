/** Dry runs: who asks for which paths, and what was found, until it has been told. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // result: words for people, codes and ids; null until a worker has looked.
  await sql`create table rehearsals (
    id uuid primary key,
    environment_id uuid not null references environments (id) on delete cascade,
    login text not null,
    paths text[],
    force boolean not null,
    result jsonb,
    created_at timestamptz not null default now()
  )`.execute(db)
  await sql`create index rehearsals_by_age on rehearsals (created_at)`.execute(db)
}
