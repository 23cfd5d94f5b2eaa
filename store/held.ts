/**
 * Keyed hashes of every credential that a published or typed state ever held, by target and by path: how a save
 * tells a credential that is dead from one that a person brings. Never the credentials themselves.
 */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'

/** The holder that stands for a path itself, where the targets of its call are not known. */
export function pathHolder(environmentId: string, path: string): string {
  return `environment/${environmentId}/${path}`
}

/** The credentials of a state that a revision holds. */
export interface Held {
  environmentId: string
  path: string
  revision: number
  targets: string[]
  hmacs: Buffer[]
}

/** Rows in one statement, which has room for so many values. */
const ROWS = 5_000

/** Records what revisions hold. The first revision that held a credential stays recorded. */
export async function recordHeld(db: Queryable, ...all: Held[]): Promise<void> {
  const values = all.flatMap(({ environmentId, path, revision, targets, hmacs }) =>
    [pathHolder(environmentId, path), ...targets].flatMap((holder) =>
      hmacs.map((hmac) => ({ holder, hmac, environment_id: environmentId, path, revision })),
    ),
  )
  for (let at = 0; at < values.length; at += ROWS)
    await db
      .insertInto('held_credentials')
      .values(values.slice(at, at + ROWS))
      .onConflict((conflict) => conflict.columns(['holder', 'hmac']).doNothing())
      .execute()
}

/** A credential that was held before is the newest one again. */
export async function renewHeld(
  db: Queryable,
  held: { environmentId: string; path: string; revision: number; targets: string[]; hmac: Buffer },
): Promise<void> {
  await db
    .updateTable('held_credentials')
    .set({
      environment_id: held.environmentId,
      path: held.path,
      revision: held.revision,
      held_at: sql<Date>`now()`,
    })
    .where('holder', 'in', [pathHolder(held.environmentId, held.path), ...held.targets])
    .where('hmac', '=', held.hmac)
    .execute()
}

/** True when somebody had the state of this path forgotten after that revision. */
export async function forgottenSince(
  db: Queryable,
  { environmentId, path, revision }: { environmentId: string; path: string; revision: number },
): Promise<boolean> {
  const row = await db
    .selectFrom('rotation_events as event')
    .innerJoin('rotations', 'rotations.event_id', 'event.id')
    .select('event.id')
    .where('event.environment_id', '=', environmentId)
    .where('event.action', '=', 'forget')
    .where('event.post_revision', '>', revision)
    .where('rotations.path', '=', path)
    .where('rotations.outcome', '=', 'succeeded')
    .executeTakeFirst()
  return row !== undefined
}

/** True when one of the holders ever held this credential. */
export async function wasHeld(db: Queryable, holders: string[], hmac: Buffer): Promise<boolean> {
  const row = await db
    .selectFrom('held_credentials')
    .select('hmac')
    .where('holder', 'in', holders)
    .where('hmac', '=', hmac)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** The newest revision that brought a credential to a path: where to find its newest state once the call is gone. */
export async function newestHeldRevision(
  db: Queryable,
  environmentId: string,
  path: string,
): Promise<number | undefined> {
  const row = await db
    .selectFrom('held_credentials')
    .select((eb) => eb.fn.max('revision').as('revision'))
    .where('environment_id', '=', environmentId)
    .where('path', '=', path)
    .executeTakeFirst()
  return row?.revision ?? undefined
}

export interface Holding {
  environmentId: string
  path: string
  revision: number
  /** Keyed hashes of what that revision brought. */
  hmacs: Buffer[]
}

/** Which revision, of whatever environment, last brought a new credential to any of these holders. */
export async function newestHolding(db: Queryable, holders: string[]): Promise<Holding | undefined> {
  const rows = await db
    .selectFrom('held_credentials')
    .select(['environment_id as environmentId', 'path', 'revision', 'hmac'])
    .where('holder', 'in', holders)
    .where('held_at', '=', (eb) =>
      eb
        .selectFrom('held_credentials')
        .select((max) => max.fn.max('held_at').as('held_at'))
        .where('holder', 'in', holders),
    )
    .orderBy('revision', 'desc')
    .execute()
  const [newest] = rows
  if (!newest) return undefined
  const { environmentId, path, revision } = newest
  const brought = rows.filter(
    (row) => row.environmentId === environmentId && row.path === path && row.revision === revision,
  )
  return { environmentId, path, revision, hmacs: brought.map((row) => row.hmac) }
}
