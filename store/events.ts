/** Rotation events: one run for one environment, and what the world sees of it. The journal rows are in journal.ts. */
import { sql, type Selectable } from 'kysely'
import type { Action, Subject } from '../model/actions.ts'
import type { RotationOutcome } from '../model/outcomes.ts'
import type { Queryable } from './database.ts'
import type { RotationEventsTable, RotationStep, Trigger } from './tables.ts'

export interface RotationEvent {
  id: string
  environmentId: string
  trigger: Trigger
  action: Action
  /** What the action is about, beside the paths. */
  subject: Subject
  login: string
  paths: string[] | null
  force: boolean
  scheduleId: string | null
  dueAt: Date | null
  baseRevision: number
  postRevision: number | null
  workflowId: string
  runId: string
  /** Null while the event is open. */
  outcome: 'succeeded' | 'failed' | null
  failureCode: string | null
  message: string | null
  createdAt: Date
  completedAt: Date | null
}

/** One path of an event, as people may see it. */
export interface RotationView {
  id: string
  path: string
  rotator: string
  step: RotationStep
  outcome: RotationOutcome | null
  failureCode: string | null
  message: string | null
  warnings: string[]
}

export type EventWithRotations = RotationEvent & { rotations: RotationView[] }

export interface NewEvent {
  id: string
  environmentId: string
  trigger: RotationEvent['trigger']
  /** `rotate` where absent. */
  action?: Action
  subject?: Subject
  login: string
  paths: string[] | null
  force: boolean
  scheduleId: string | null
  dueAt: Date | null
  baseRevision: number
  workflowId: string
  runId: string
}

/** Opens an event. The database allows one open event per environment. */
export async function insertEvent(db: Queryable, event: NewEvent): Promise<void> {
  await db
    .insertInto('rotation_events')
    .values({
      id: event.id,
      environment_id: event.environmentId,
      trigger: event.trigger,
      action: event.action ?? 'rotate',
      subject: JSON.stringify(event.subject ?? {}),
      login: event.login,
      paths: event.paths,
      force: event.force,
      schedule_id: event.scheduleId,
      due_at: event.dueAt,
      base_revision: event.baseRevision,
      workflow_id: event.workflowId,
      run_id: event.runId,
    })
    .execute()
}

/** Closes an event and tells whoever waits for it, when the transaction commits. A closed event stays as it is. */
export async function completeEvent(
  db: Queryable,
  eventId: string,
  result: {
    outcome: 'succeeded' | 'failed'
    postRevision?: number | null
    failureCode?: string | null
    message?: string | null
  },
): Promise<void> {
  await db
    .updateTable('rotation_events')
    .set({
      outcome: result.outcome,
      post_revision: result.postRevision ?? null,
      failure_code: result.failureCode ?? null,
      message: result.message ?? null,
      completed_at: sql<Date>`now()`,
    })
    .where('id', '=', eventId)
    .where('completed_at', 'is', null)
    .execute()
  await sql`select pg_notify('rekey_events', ${eventId})`.execute(db)
}

/** The open event of an environment. */
export async function openEvent(db: Queryable, environmentId: string): Promise<RotationEvent | undefined> {
  const row = await db
    .selectFrom('rotation_events')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .where('completed_at', 'is', null)
    .executeTakeFirst()
  return row && toEvent(row)
}

/** Every open event: what a reconciler compares with the workflows that run. */
export async function openEvents(db: Queryable): Promise<RotationEvent[]> {
  const rows = await db.selectFrom('rotation_events').selectAll().where('completed_at', 'is', null).execute()
  return rows.map(toEvent)
}

/** The workflow run that drives an event now. */
export async function setDriver(
  db: Queryable,
  eventId: string,
  workflowId: string,
  runId: string,
): Promise<void> {
  await db
    .updateTable('rotation_events')
    .set({ workflow_id: workflowId, run_id: runId })
    .where('id', '=', eventId)
    .where('completed_at', 'is', null)
    .execute()
}

/** The event alone: whoever asks once for each of its rotations must not read all of them each time. */
export async function findEventRow(db: Queryable, eventId: string): Promise<RotationEvent | undefined> {
  const row = await db.selectFrom('rotation_events').selectAll().where('id', '=', eventId).executeTakeFirst()
  return row && toEvent(row)
}

export async function findEvent(db: Queryable, eventId: string): Promise<EventWithRotations | undefined> {
  const event = await findEventRow(db, eventId)
  if (!event) return undefined
  const [withRotations] = await attachRotations(db, [event])
  return withRotations
}

/** The events of an environment, newest first. */
export async function listEvents(
  db: Queryable,
  environmentId: string,
  limit = 100,
): Promise<EventWithRotations[]> {
  const rows = await db
    .selectFrom('rotation_events')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(limit)
    .execute()
  return await attachRotations(db, rows.map(toEvent))
}

async function attachRotations(db: Queryable, events: RotationEvent[]): Promise<EventWithRotations[]> {
  if (events.length === 0) return []
  const rows = await db
    .selectFrom('rotations')
    .select(['id', 'event_id', 'path', 'rotator', 'step', 'outcome', 'failure_code', 'message', 'warnings'])
    .where(
      'event_id',
      'in',
      events.map((event) => event.id),
    )
    .orderBy('path')
    .execute()
  return events.map((event) => ({
    ...event,
    rotations: rows
      .filter((row) => row.event_id === event.id)
      .map((row) => ({
        id: row.id,
        path: row.path,
        rotator: row.rotator,
        step: row.step,
        outcome: row.outcome,
        failureCode: row.failure_code,
        message: row.message,
        warnings: row.warnings,
      })),
  }))
}

function toEvent(row: Selectable<RotationEventsTable>): RotationEvent {
  return {
    id: row.id,
    environmentId: row.environment_id,
    trigger: row.trigger,
    action: row.action,
    subject: row.subject,
    login: row.login,
    paths: row.paths,
    force: row.force,
    scheduleId: row.schedule_id,
    dueAt: row.due_at,
    baseRevision: row.base_revision,
    postRevision: row.post_revision,
    workflowId: row.workflow_id,
    runId: row.run_id,
    outcome: row.outcome,
    failureCode: row.failure_code,
    message: row.message,
    createdAt: row.created_at,
    completedAt: row.completed_at,
  }
}
