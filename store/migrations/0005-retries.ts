/** Later tries of what failed in scheduled runs: each is a row from the moment in which it is known that it will be due. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `create table rotation_retries (
    -- The scheduled event, and which try after it this is.
    event_id uuid not null references rotation_events (id),
    number integer not null check (number > 0),
    environment_id uuid not null references environments (id),
    -- The event whose failed paths these are: the scheduled one, or the try before.
    failed_event_id uuid not null unique references rotation_events (id),
    paths text[] not null check (paths <> '{}'),
    -- The newest one when that event was closed: what a person writes later is an edit.
    revision integer not null,
    due_at timestamptz not null,
    status text not null default 'waiting' check (status in ('waiting', 'begun', 'ended')),
    -- Once begun: the event that it is, or is about to become.
    retry_event_id uuid,
    message text,
    created_at timestamptz not null default now(),
    primary key (event_id, number)
  )`,
  `create index rotation_retries_waiting on rotation_retries (due_at) where status = 'waiting'`,
]
