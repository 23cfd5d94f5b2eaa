/** The first schema. Forward only: a later change is a later migration, never an edit here. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  // One row that only the right key-encryption key opens; checked at every start.
  `create table key_canary (
    id integer primary key check (id = 1),
    sealed bytea not null,
    created_at timestamptz not null default now()
  )`,

  `create table organizations (
    name text primary key,
    created_at timestamptz not null default now()
  )`,
  `create table users (
    login text primary key,
    name text not null,
    email text,
    created_at timestamptz not null default now()
  )`,
  `create table members (
    organization text not null references organizations (name),
    login text not null references users (login),
    primary key (organization, login)
  )`,
  // Only the hash: a token is shown once, when it is made.
  `create table access_tokens (
    id uuid primary key,
    login text not null references users (login),
    name text not null,
    hash bytea not null unique,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
  )`,

  // A deleted environment stays as a tombstone with its data key: its journal may still hold credentials.
  `create table environments (
    id uuid primary key,
    organization text not null references organizations (name),
    project text not null,
    name text not null,
    data_key bytea not null,
    newest_revision integer not null default 0,
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    deleted_at timestamptz,
    deleted_by text
  )`,
  `create unique index environments_by_name on environments (organization, project, name) where deleted_at is null`,
  `create table revisions (
    environment_id uuid not null references environments (id),
    number integer not null,
    text text not null,
    creator text not null,
    created_at timestamptz not null default now(),
    event_id uuid,
    primary key (environment_id, number)
  )`,
  `create unique index revisions_by_event on revisions (event_id) where event_id is not null`,
  `create function refuse_change() returns trigger language plpgsql as
    $$ begin raise exception 'a row of % never changes', tg_table_name; end $$`,
  `create trigger revisions_never_change before update or delete on revisions
    for each row execute function refuse_change()`,
  `create table revision_tags (
    environment_id uuid not null references environments (id),
    name text not null,
    revision integer not null,
    editor text not null,
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    primary key (environment_id, name),
    foreign key (environment_id, revision) references revisions (environment_id, number)
  )`,
  // Who opened what; the opened values themselves are never stored.
  `create table open_sessions (
    id uuid primary key,
    environment_id uuid not null references environments (id),
    revision integer not null,
    login text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
  )`,

  // Null project: the whole organization. Null environment: the whole project.
  `create table grants (
    id uuid primary key,
    organization text not null references organizations (name),
    project text,
    environment_id uuid references environments (id),
    login text not null references users (login),
    level text not null check (level in ('read', 'open', 'write', 'admin')),
    granted_by text not null,
    created_at timestamptz not null default now(),
    unique nulls not distinct (organization, project, environment_id, login)
  )`,

  `create table schedules (
    id uuid primary key,
    environment_id uuid not null unique references environments (id),
    cron text not null,
    timezone text not null default 'UTC',
    path text,
    paused boolean not null default false,
    owner text not null references users (login),
    version integer not null default 1,
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    -- due times before this instant are not this schedule's business
    effective_at timestamptz not null default now()
  )`,

  // A request id is served once, ever. For a schedule it is the schedule and the due time.
  `create table rotation_requests (
    id uuid primary key,
    environment_id uuid not null references environments (id),
    request_key text,
    trigger text not null check (trigger in ('manual', 'schedule', 'signal')),
    login text not null,
    paths text[],
    force boolean not null default false,
    schedule_id uuid,
    schedule_version integer,
    due_at timestamptz,
    status text not null default 'waiting' check (status in ('waiting', 'served', 'missed', 'refused', 'expired')),
    event_id uuid,
    failure_code text,
    message text,
    created_at timestamptz not null default now(),
    served_at timestamptz,
    unique (environment_id, request_key)
  )`,
  `create index rotation_requests_waiting on rotation_requests (environment_id, created_at) where status = 'waiting'`,
  `create index rotation_requests_by_schedule on rotation_requests (schedule_id, due_at) where schedule_id is not null`,

  `create table rotation_events (
    id uuid primary key,
    environment_id uuid not null references environments (id),
    trigger text not null,
    login text not null,
    paths text[],
    force boolean not null default false,
    schedule_id uuid,
    due_at timestamptz,
    base_revision integer not null,
    post_revision integer,
    workflow_id text not null,
    run_id text not null,
    outcome text check (outcome in ('succeeded', 'failed')),
    failure_code text,
    message text,
    created_at timestamptz not null default now(),
    completed_at timestamptz
  )`,
  `create unique index rotation_events_open on rotation_events (environment_id) where completed_at is null`,
  `create index rotation_events_by_environment on rotation_events (environment_id, created_at desc)`,

  // The journal. prepared, credential and burnt are sealed; a row is unsettled while sent_until is set and
  // settled_at is not.
  `create table rotations (
    id uuid primary key,
    event_id uuid not null references rotation_events (id),
    environment_id uuid not null references environments (id),
    path text not null,
    rotator text not null,
    targets text[] not null default '{}',
    depends_on uuid[] not null default '{}',
    step text not null default 'planned'
      check (step in ('planned', 'prepared', 'applied', 'verified', 'published', 'closed')),
    outcome text check (outcome in ('succeeded', 'failed', 'skipped', 'unknown')),
    failure_code text,
    message text,
    warnings text[] not null default '{}',
    fence bigint not null default 0,
    prepared bytea,
    credential bytea,
    burnt bytea,
    burnt_count integer not null default 0,
    sent_until timestamptz,
    verified_at timestamptz,
    settled_at timestamptz,
    settled_by uuid,
    budget_used_ms integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (event_id, path)
  )`,
  `create index rotations_by_path on rotations (environment_id, path, created_at desc)`,
  `create index rotations_unsettled on rotations (environment_id) where sent_until is not null and settled_at is null`,
  `create index rotations_unsettled_targets on rotations using gin (targets)
    where sent_until is not null and settled_at is null`,
  // The timeline of each rotation, for people.
  `create table rotation_steps (
    id bigint generated always as identity primary key,
    rotation_id uuid not null references rotations (id),
    at timestamptz not null default now(),
    fence bigint not null,
    step text not null,
    code text
  )`,
  `create index rotation_steps_by_rotation on rotation_steps (rotation_id, id)`,

  `create table target_claims (
    target text primary key,
    environment_id uuid not null references environments (id),
    path text not null,
    rotation_id uuid not null,
    claimed_at timestamptz not null default now()
  )`,
  `create index target_claims_by_path on target_claims (environment_id, path)`,
  // Keyed hashes of every credential that a state ever held; holder is a target or environment/<id>/<path>.
  `create table held_credentials (
    holder text not null,
    hmac bytea not null,
    environment_id uuid not null references environments (id),
    path text not null,
    revision integer not null,
    held_at timestamptz not null default now(),
    primary key (holder, hmac)
  )`,
  `create index held_credentials_by_path on held_credentials (environment_id, path, revision desc)`,

  `create table audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    organization text,
    environment_id uuid,
    details jsonb not null default '{}'
  )`,
  `create index audit_log_by_environment on audit_log (environment_id, id)`,
  `create trigger audit_log_never_changes before update or delete on audit_log
    for each row execute function refuse_change()`,
]
