/** The tables as kysely sees them, one interface each; migrations/ is what PostgreSQL sees. */
import type { ColumnType, Generated } from 'kysely'
import type { Action, Subject } from '../model/actions.ts'

/** Set by the database, never written. */
type Now = ColumnType<Date, never, never>
/** Defaults to now(), may be set. */
type At = ColumnType<Date, Date | undefined, Date>

export interface KeyCanaryTable {
  id: number
  sealed: Buffer
  hash_key: Buffer | null
  created_at: Now
}
export interface OrganizationsTable {
  name: string
  created_at: Now
}
export interface UsersTable {
  login: string
  name: string
  email: string | null
  created_at: Now
}
export interface MembersTable {
  organization: string
  login: string
}
export interface AccessTokensTable {
  id: string
  login: string
  name: string
  hash: Buffer
  created_at: Now
  expires_at: Date | null
  revoked_at: Date | null
  last_used_at: Date | null
}
export interface EnvironmentsTable {
  id: string
  organization: string
  project: string
  name: string
  data_key: Buffer
  newest_revision: Generated<number>
  created_at: Now
  modified_at: At
  deleted_at: Date | null
  deleted_by: string | null
}
export interface RevisionsTable {
  environment_id: string
  number: number
  text: string
  creator: string
  created_at: Now
  event_id: string | null
}
export interface RevisionTagsTable {
  environment_id: string
  name: string
  revision: number
  editor: string
  created_at: Now
  modified_at: At
}
export interface OpenSessionsTable {
  id: string
  environment_id: string
  revision: number
  login: string
  created_at: Now
  expires_at: Date
}
export interface GrantsTable {
  id: string
  organization: string
  project: string | null
  environment_id: string | null
  login: string
  level: 'read' | 'open' | 'write' | 'admin'
  granted_by: string
  created_at: Now
}
export interface SchedulesTable {
  id: string
  environment_id: string
  cron: string | null
  once_at: Date | null
  timezone: Generated<string>
  path: string | null
  paused: Generated<boolean>
  owner: string
  version: Generated<number>
  created_at: Now
  modified_at: At
  effective_at: At
}
/** Why there is a request: a person, a due time, a signal, a failure before it, the sweeper. */
export type Trigger = 'manual' | 'schedule' | 'signal' | 'retry' | 'sweep'
export interface RotationRequestsTable {
  id: string
  environment_id: string
  request_key: string | null
  trigger: Trigger
  action: Generated<Action>
  /** jsonb, written as text. */
  subject: ColumnType<Subject, string | undefined, never>
  login: string
  paths: string[] | null
  force: Generated<boolean>
  schedule_id: string | null
  schedule_version: number | null
  due_at: Date | null
  status: Generated<'waiting' | 'served' | 'missed' | 'refused' | 'expired'>
  event_id: string | null
  failure_code: string | null
  message: string | null
  created_at: Now
  served_at: Date | null
}
export interface RotationEventsTable {
  id: string
  environment_id: string
  trigger: Trigger
  action: Generated<Action>
  subject: ColumnType<Subject, string | undefined, never>
  login: string
  paths: string[] | null
  force: Generated<boolean>
  schedule_id: string | null
  due_at: Date | null
  base_revision: number
  post_revision: number | null
  workflow_id: string
  run_id: string
  outcome: 'succeeded' | 'failed' | null
  failure_code: string | null
  message: string | null
  created_at: Now
  completed_at: Date | null
}
export type RotationStep = 'planned' | 'prepared' | 'applied' | 'verified' | 'published' | 'closed'
/** Which slot of the published state becomes `previous` when a row is published. */
export type PreviousFrom = 'current' | 'previous' | 'none'
export interface RotationsTable {
  id: string
  event_id: string
  environment_id: string
  path: string
  rotator: string
  targets: Generated<string[]>
  depends_on: Generated<string[]>
  step: Generated<RotationStep>
  outcome: 'succeeded' | 'failed' | 'skipped' | 'unknown' | null
  failure_code: string | null
  message: string | null
  warnings: Generated<string[]>
  /** bigint: node-postgres gives text. */
  fence: ColumnType<string, number | undefined, number | string>
  prepared: Buffer | null
  credential: Buffer | null
  previous_from: Generated<PreviousFrom>
  burnt: Buffer | null
  burnt_count: Generated<number>
  sent_until: Date | null
  verified_at: Date | null
  settled_at: Date | null
  settled_by: string | null
  budget_used_ms: Generated<number>
  created_at: Now
  updated_at: At
}
export interface RotationRetriesTable {
  event_id: string
  number: number
  environment_id: string
  failed_event_id: string
  paths: string[]
  revision: number
  due_at: Date
  status: Generated<'waiting' | 'begun' | 'ended'>
  retry_event_id: string | null
  message: string | null
  created_at: Now
}
export interface RotationStepsTable {
  id: ColumnType<string, never, never>
  rotation_id: string
  at: Now
  fence: ColumnType<string, number | string, never>
  step: string
  code: string | null
}
export interface TargetClaimsTable {
  target: string
  environment_id: string
  path: string
  rotation_id: string
  claimed_at: Now
}
export interface HeldCredentialsTable {
  holder: string
  hmac: Buffer
  environment_id: string
  path: string
  revision: number
  held_at: At
}
export interface LostRevisionsTable {
  environment_id: string
  revision: number
  reported_at: At
}
export interface AuditLogTable {
  id: ColumnType<string, never, never>
  at: Now
  actor: string
  action: string
  organization: string | null
  environment_id: string | null
  details: ColumnType<unknown, string, never>
}

export interface RehearsalsTable {
  id: string
  environment_id: string
  login: string
  paths: string[] | null
  force: boolean
  result: ColumnType<unknown, string | null, string | null>
  created_at: Now
}

export interface OidcKeysTable {
  id: string
  public_key: ColumnType<unknown, string, never>
  data_key: Buffer
  private_key: Buffer | null
  signs_from: Date
  created_at: Now
}

export interface Tables {
  key_canary: KeyCanaryTable
  organizations: OrganizationsTable
  users: UsersTable
  members: MembersTable
  access_tokens: AccessTokensTable
  environments: EnvironmentsTable
  revisions: RevisionsTable
  revision_tags: RevisionTagsTable
  open_sessions: OpenSessionsTable
  grants: GrantsTable
  schedules: SchedulesTable
  rotation_requests: RotationRequestsTable
  rotation_events: RotationEventsTable
  rotations: RotationsTable
  rotation_retries: RotationRetriesTable
  rotation_steps: RotationStepsTable
  target_claims: TargetClaimsTable
  held_credentials: HeldCredentialsTable
  lost_revisions: LostRevisionsTable
  rehearsals: RehearsalsTable
  oidc_keys: OidcKeysTable
  audit_log: AuditLogTable
}
