/**
 * Single rotations as people and the sweeper look them up: the journal's row with its event and environment, deleted
 * ones too, and its timeline. Reads only; secret columns stay sealed.
 */
import { sql } from 'kysely'
import type { Action } from '../model/actions.ts'
import type { EnvironmentName } from '../model/environment-name.ts'
import type { Queryable } from './database.ts'
import { toRotation, type Rotation } from './rotation-row.ts'
import type { Trigger } from './tables.ts'

export interface RotationRecord extends Rotation {
  createdAt: Date
  updatedAt: Date
  /** The rotation with which the doubt ended. */
  settledBy: string | null
  /** It sent a change of which it is not known, or not decided, what becomes of it. */
  unsettled: boolean
  event: { action: Action; trigger: Trigger; login: string; baseRevision: number; completedAt: Date | null }
  environment: EnvironmentName & { id: string; deletedAt: Date | null }
}

export interface TimelineStep {
  at: Date
  /** Of the attempt that wrote it: a new attempt has a higher one. */
  fence: string
  step: string
  code: string | null
}

/** Undefined when there is no such rotation. */
export async function findRotation(db: Queryable, id: string): Promise<RotationRecord | undefined> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return undefined
  const [row] = await read(selectRecords(db).where('rotation.id', '=', id))
  return row
}

export interface ListOptions {
  organization?: string
  /** Only what this person may read; of deleted environments, what an administrator of the organization may. */
  visibleTo?: string
  environmentId?: string
  /** Settled ones too. */
  all?: boolean
  /** Most of them. */
  limit: number
}

/** Rotations that are unsettled and not under way, or all; newest first. */
export async function listRotations(db: Queryable, options: ListOptions): Promise<RotationRecord[]> {
  let query = selectRecords(db).orderBy('rotation.created_at', 'desc').orderBy('rotation.id')
  if (options.organization !== undefined)
    query = query.where('environment.organization', '=', options.organization)
  if (options.visibleTo !== undefined) query = query.where(visible(options.visibleTo))
  if (options.environmentId !== undefined)
    query = query.where('rotation.environment_id', '=', options.environmentId)
  if (!options.all)
    query = query
      .where('rotation.sent_until', 'is not', null)
      .where('rotation.settled_at', 'is', null)
      .where('rotation.outcome', 'is not', null)
  return await read(query.limit(options.limit))
}

/** The timeline of a rotation, oldest first. */
export async function timelineOf(db: Queryable, rotationId: string): Promise<TimelineStep[]> {
  return await db
    .selectFrom('rotation_steps')
    .select(['at', 'fence', 'step', 'code'])
    .where('rotation_id', '=', rotationId)
    .orderBy('id')
    .execute()
}

/** Where `environment` is the environments table of a query. */
export function visible(login: string) {
  return sql<boolean>`exists (
    select 1 from grants
    where grants.login = ${login} and grants.organization = environment.organization
      and case when environment.deleted_at is not null
        then grants.project is null and grants.level = 'admin'
        else grants.project is null
          or (grants.project = environment.project and grants.environment_id is null)
          or grants.environment_id = environment.id
      end)`
}

function selectRecords(db: Queryable) {
  return db
    .selectFrom('rotations as rotation')
    .innerJoin('rotation_events as event', 'event.id', 'rotation.event_id')
    .innerJoin('environments as environment', 'environment.id', 'rotation.environment_id')
    .selectAll('rotation')
    .select([
      'event.action',
      'event.trigger',
      'event.login',
      'event.base_revision',
      'event.completed_at',
      'environment.organization',
      'environment.project',
      'environment.name',
      'environment.deleted_at',
      sql<boolean>`sent_until is not null and settled_at is null and rotation.outcome is not null`.as(
        'unsettled',
      ),
    ])
}

async function read(query: ReturnType<typeof selectRecords>): Promise<RotationRecord[]> {
  const rows = await query.execute()
  return rows.map((row) => ({
    ...toRotation(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    settledBy: row.settled_by,
    unsettled: row.unsettled,
    event: {
      action: row.action,
      trigger: row.trigger,
      login: row.login,
      baseRevision: row.base_revision,
      completedAt: row.completed_at,
    },
    environment: {
      id: row.environment_id,
      organization: row.organization,
      project: row.project,
      name: row.name,
      deletedAt: row.deleted_at,
    },
  }))
}
