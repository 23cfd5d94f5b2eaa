/**
 * The journal: one row per path of an event, the truth of every rotation. A row says what is about to be sent before
 * it is sent; secret columns come and go sealed. Every write names the row, the fence and the step it expects, so of
 * several attempts at one rotation only the newest writes.
 */
import { sql } from 'kysely'
import type { Action } from '../model/actions.ts'
import type { RotationOutcome } from '../model/outcomes.ts'
import type { Queryable } from './database.ts'
import { ROTATION_COLUMNS, toRotation, type Rotation } from './rotation-row.ts'
import type { PreviousFrom, RotationStep } from './tables.ts'

export interface NewRotation {
  id: string
  eventId: string
  environmentId: string
  path: string
  rotator: string
  targets: string[]
  dependsOn: string[]
  warnings: string[]
  /** Set where it is known at once that nothing will be touched. */
  refused?: { outcome: 'failed' | 'skipped'; code: string; message: string }
}

/** What a step writes. Absent fields stay as they are. */
export interface JournalChange {
  step?: RotationStep
  outcome?: RotationOutcome
  failureCode?: string | null
  message?: string | null
  warnings?: string[]
  prepared?: Buffer | null
  credential?: Buffer | null
  previousFrom?: PreviousFrom
  burnt?: Buffer
  burntCount?: number
  /** Milliseconds from now by the store's clock until which a change may land; 'now' when none is under way. */
  landsWithin?: number | 'now'
  verified?: boolean
  /** Nothing of this rotation is left in doubt at the target. */
  settled?: boolean
  budgetUsed?: number
}

/** Another attempt has taken this rotation over, or it is closed; this one must stop. */
export class StaleAttempt extends Error {
  override name = 'StaleAttempt'
}

export async function insertRotations(db: Queryable, rotations: NewRotation[]): Promise<void> {
  if (rotations.length === 0) return
  await db
    .insertInto('rotations')
    .values(
      rotations.map((rotation) => ({
        id: rotation.id,
        event_id: rotation.eventId,
        environment_id: rotation.environmentId,
        path: rotation.path,
        rotator: rotation.rotator,
        targets: rotation.targets,
        depends_on: rotation.dependsOn,
        warnings: rotation.warnings,
        step: rotation.refused ? ('closed' as const) : ('planned' as const),
        outcome: rotation.refused?.outcome ?? null,
        failure_code: rotation.refused?.code ?? null,
        message: rotation.refused?.message ?? null,
      })),
    )
    .execute()
}

/** Begins an attempt: raises the fence, so that no older attempt writes any more. A row with an outcome stays as it is. */
export async function enterRotation(db: Queryable, rotationId: string): Promise<Rotation | undefined> {
  const entered = await db
    .updateTable('rotations')
    .set({ fence: sql`fence + 1`, updated_at: sql<Date>`now()` })
    .where('id', '=', rotationId)
    .where('outcome', 'is', null)
    .returning(ROTATION_COLUMNS)
    .executeTakeFirst()
  if (entered) return toRotation(entered)
  const row = await db
    .selectFrom('rotations')
    .select(ROTATION_COLUMNS)
    .where('id', '=', rotationId)
    .executeTakeFirst()
  return row && toRotation(row)
}

/**
 * Writes one step of an attempt and a line of its timeline.
 * @throws StaleAttempt when the row has another fence or step, or an outcome.
 */
export async function advance(
  db: Queryable,
  attempt: Pick<Rotation, 'id' | 'fence' | 'step'>,
  change: JournalChange,
): Promise<Rotation> {
  // One statement: four steps of every rotation each spare the store three round trips.
  const row = await db
    .with('moved', (inner) =>
      inner
        .updateTable('rotations')
        .set({ ...columns(change), updated_at: sql<Date>`now()` })
        .where('id', '=', attempt.id)
        .where('fence', '=', attempt.fence)
        .where('step', '=', attempt.step)
        .where('outcome', 'is', null)
        .returning(ROTATION_COLUMNS),
    )
    .with('noted', (inner) =>
      inner
        .insertInto('rotation_steps')
        .columns(['rotation_id', 'fence', 'step', 'code'])
        .expression((from) => from.selectFrom('moved').select(stepLine(change))),
    )
    .selectFrom('moved')
    .select(ROTATION_COLUMNS)
    .executeTakeFirst()
  if (!row) throw new StaleAttempt(`rotation ${attempt.id} has been taken over by a newer attempt`)
  return toRotation(row)
}

/**
 * Takes over all of these and writes the same step of each, with a line of its timeline, in one statement.
 * @throws StaleAttempt when one of them has an outcome already; the caller's transaction undoes the others.
 */
export async function concludeRotations(db: Queryable, ids: string[], change: JournalChange): Promise<void> {
  if (ids.length === 0) return
  const moved = await db
    .with('moved', (inner) =>
      inner
        .updateTable('rotations')
        .set({ ...columns(change), fence: sql`fence + 1`, updated_at: sql<Date>`now()` })
        .where(sql<boolean>`id = any(${ids}::uuid[])`)
        .where('outcome', 'is', null)
        .returning(['id', 'fence', 'step']),
    )
    .with('noted', (inner) =>
      inner
        .insertInto('rotation_steps')
        .columns(['rotation_id', 'fence', 'step', 'code'])
        .expression((from) => from.selectFrom('moved').select(stepLine(change))),
    )
    .selectFrom('moved')
    .select('id')
    .execute()
  if (moved.length < ids.length) throw new StaleAttempt('a rotation was closed by somebody else meanwhile')
}

/** Keeps what a target made up, whoever asks and whatever became of the row: it would be lost otherwise. */
export async function recordAnswer(db: Queryable, rotationId: string, credential: Buffer): Promise<void> {
  await db
    .updateTable('rotations')
    .set({ credential, settled_at: null })
    .where('id', '=', rotationId)
    .where('credential', 'is', null)
    .execute()
}

/** Milliseconds since each path of an environment was last published, by this action alone or by any; by the store's clock. */
export async function agesOfPaths(
  db: Queryable,
  environmentId: string,
  action?: Action,
): Promise<Map<string, number>> {
  let query = db
    .selectFrom('rotations')
    .select(['path', sql<number>`(extract(epoch from now() - max(settled_at)) * 1000)::float8`.as('age')])
    .where('environment_id', '=', environmentId)
    .where('step', '=', 'published')
    .groupBy('path')
  if (action !== undefined)
    query = query.where('event_id', 'in', (eb) =>
      eb
        .selectFrom('rotation_events')
        .select('id')
        .where('environment_id', '=', environmentId)
        .where('action', '=', action),
    )
  const rows = await query.execute()
  return new Map(rows.map((row) => [row.path, row.age]))
}

/** The rows of an event, in the order of their paths. */
export async function rotationsOf(db: Queryable, eventId: string): Promise<Rotation[]> {
  const rows = await db
    .selectFrom('rotations')
    .selectAll()
    .where('event_id', '=', eventId)
    .orderBy('path')
    .execute()
  return rows.map(toRotation)
}

/** Of the verified rows of an event, those verified longer than `maxAge` milliseconds ago. */
export async function verifiedLongAgo(db: Queryable, eventId: string, maxAge: number): Promise<string[]> {
  const rows = await db
    .selectFrom('rotations')
    .select('id')
    .where('event_id', '=', eventId)
    .where('step', '=', 'verified')
    .where('outcome', 'is', null)
    .where('verified_at', '<', sql<Date>`now() - make_interval(secs => ${maxAge / 1000})`)
    .execute()
  return rows.map((row) => row.id)
}

/** What the timeline says of a row that was `moved`. */
function stepLine(change: JournalChange) {
  const { outcome, step, failureCode } = change
  return [
    sql<string>`moved.id`.as('id'),
    sql<string>`moved.fence`.as('fence'),
    sql<string>`coalesce(${outcome ?? step ?? null}::text, moved.step || ' again')`.as('noted'),
    sql<string | null>`${failureCode ?? null}::text`.as('code'),
  ]
}

function columns(change: JournalChange) {
  return {
    ...(change.step !== undefined && { step: change.step }),
    ...(change.outcome !== undefined && { outcome: change.outcome }),
    ...(change.failureCode !== undefined && { failure_code: change.failureCode }),
    ...(change.message !== undefined && { message: change.message }),
    ...(change.warnings !== undefined && { warnings: change.warnings }),
    ...(change.prepared !== undefined && { prepared: change.prepared }),
    ...(change.credential !== undefined && { credential: change.credential }),
    ...(change.previousFrom !== undefined && { previous_from: change.previousFrom }),
    ...(change.burnt !== undefined && { burnt: change.burnt }),
    ...(change.burntCount !== undefined && { burnt_count: change.burntCount }),
    ...(change.budgetUsed !== undefined && { budget_used_ms: Math.round(change.budgetUsed) }),
    ...(change.verified && { verified_at: sql<Date>`now()` }),
    ...(change.settled && { settled_at: sql<Date>`now()` }),
    ...(change.landsWithin !== undefined && {
      sent_until:
        change.landsWithin === 'now'
          ? sql<Date>`now()`
          : sql<Date>`now() + make_interval(secs => ${change.landsWithin / 1000})`,
    }),
  }
}
