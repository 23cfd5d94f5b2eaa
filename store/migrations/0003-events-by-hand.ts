/**
 * Events that do something else than rotate: a request and its event say which action, about what. Whatever was there
 * before is a rotation.
 */
import { sql, type Kysely } from 'kysely'

const ACTION = `text not null default 'rotate'
  check (action in ('rotate', 'adopt', 'discard', 'settle', 'undo', 'forget', 'release'))`

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  // subject: ids and names, see model/actions.ts.
  `alter table rotation_requests
    add column action ${ACTION},
    add column subject jsonb not null default '{}',
    drop constraint rotation_requests_trigger_check,
    add constraint rotation_requests_trigger_check
      check (trigger in ('manual', 'schedule', 'signal', 'retry', 'sweep'))`,
  `alter table rotation_events
    add column action ${ACTION},
    add column subject jsonb not null default '{}'`,
  `create index rotation_events_forgets on rotation_events (environment_id) where action = 'forget'`,
  `create index rotation_events_by_subject on rotation_events ((subject ->> 'rotation'), created_at)
    where action <> 'rotate'`,
  // Which slot of the published state becomes previous when this row is published.
  `alter table rotations
    add column previous_from text not null default 'current'
      check (previous_from in ('current', 'previous', 'none'))`,
]
