/**
 * What the store itself says it held, and when: every version of every row that matters, noted by triggers of its own
 * in the very transaction that wrote it. Nothing of Rekey knows of it.
 */
import { sql } from 'kysely'
import type { Database } from '../../store/database.ts'

export type WatchedTable =
  'rotations' | 'rotation_events' | 'rotation_requests' | 'revisions' | 'target_claims'

export interface Version<Row = Record<string, unknown>> {
  /** In the order in which they were written. */
  seq: number
  /** Milliseconds since 1970. */
  committedAt: number
  removed: boolean
  row: Row
}

const WATCHED: WatchedTable[] = [
  'rotations',
  'rotation_events',
  'rotation_requests',
  'revisions',
  'target_claims',
]

export async function watchStore(db: Database): Promise<void> {
  await sql`create schema chaos`.execute(db)
  await sql`create table chaos.versions (
    seq bigint generated always as identity primary key,
    xid xid not null default pg_current_xact_id()::xid,
    name text not null, removed boolean not null, content jsonb not null)`.execute(db)
  await sql`create function chaos.note() returns trigger language plpgsql as $$ begin
    if tg_op = 'DELETE' then
      insert into chaos.versions (name, removed, content) values (tg_table_name, true, to_jsonb(old));
    else
      insert into chaos.versions (name, removed, content) values (tg_table_name, false, to_jsonb(new));
    end if;
    return null; end $$`.execute(db)
  for (const name of WATCHED)
    await sql`create trigger chaos_note after insert or update or delete on ${sql.table(name)}
      for each row execute function chaos.note()`.execute(db)
}

export async function versionsOf<Row>(db: Database, name: WatchedTable): Promise<Version<Row>[]> {
  const { rows } = await sql<{ seq: string; committedAt: number; removed: boolean; row: Row }>`
    select seq, removed, content as row,
      (extract(epoch from pg_xact_commit_timestamp(xid)) * 1000)::float8 as "committedAt"
    from chaos.versions where name = ${name} order by seq`.execute(db)
  return rows.map((version) => ({ ...version, seq: Number(version.seq) }))
}

/** A bytea as `to_jsonb` writes it. */
export function bytesOf(text: unknown): Buffer | null {
  return typeof text === 'string' ? Buffer.from(text.replace(/^\\x/, ''), 'hex') : null
}
