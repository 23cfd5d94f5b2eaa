/**
 * What earlier rotations left in doubt at a target: rows that sent a change and were not settled, and changes that may
 * still land. The journal's rows themselves are in journal.ts.
 */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { toRotation, type Rotation } from './rotation-row.ts'

/** Closes another rotation's doubt, with the rotation that settled it. */
export async function settleRotation(db: Queryable, rotationId: string, settledBy: string): Promise<void> {
  await db
    .updateTable('rotations')
    .set({ settled_at: sql<Date>`now()`, settled_by: settledBy })
    .where('id', '=', rotationId)
    .where('settled_at', 'is', null)
    .execute()
}

/**
 * Rotations of these targets that left something in doubt, newest first, without this one. What a path left at targets
 * that it no longer names stays in doubt, and their claims stay with it.
 */
export async function unsettledRotations(
  db: Queryable,
  targets: string[],
  except: string,
): Promise<Rotation[]> {
  const rows = await db
    .selectFrom('rotations')
    .selectAll()
    .where('sent_until', 'is not', null)
    .where('settled_at', 'is', null)
    .where('id', '!=', except)
    .where(sql<boolean>`targets && ${targets}::text[]`)
    .orderBy('created_at', 'desc')
    .execute()
  return rows.map(toRotation)
}

/** Closed rotations of any environment that left something in doubt at a target. */
export async function listUnsettledOf(
  db: Queryable,
  target: string,
): Promise<{ id: string; environmentId: string; rotator: string }[]> {
  return await db
    .selectFrom('rotations')
    .select(['id', 'environment_id as environmentId', 'rotator'])
    .where('sent_until', 'is not', null)
    .where('settled_at', 'is', null)
    .where('outcome', 'is not', null)
    .where(sql<boolean>`${target} = any(targets)`)
    .orderBy('created_at')
    .execute()
}

/** Milliseconds until no change sent to these targets by any other rotation can land any more; 0 when none can. */
export async function landingWithin(db: Queryable, targets: string[], except: string): Promise<number> {
  const row = await db
    .selectFrom('rotations')
    .select(sql<number>`ceil(extract(epoch from max(sent_until) - now()) * 1000)::float8`.as('ms'))
    .where(sql<boolean>`targets && ${targets}::text[]`)
    .where('sent_until', '>', sql<Date>`now()`)
    .where('id', '!=', except)
    .executeTakeFirst()
  return Math.max(0, row?.ms ?? 0)
}

/** Milliseconds until this rotation's own change cannot land any more, by the store's clock. */
export async function ownLandingWithin(db: Queryable, rotationId: string): Promise<number> {
  const row = await db
    .selectFrom('rotations')
    .select(sql<number>`ceil(extract(epoch from sent_until - now()) * 1000)::float8`.as('ms'))
    .where('id', '=', rotationId)
    .executeTakeFirst()
  return Math.max(0, row?.ms ?? 0)
}

/** True when some change was sent to this path since its newest publication: then a slot may differ from what is published. */
export async function sentSincePublished(
  db: Queryable,
  scope: { environmentId: string; path: string; except: string },
): Promise<boolean> {
  const { rows } = await sql`
    select 1 from rotations
    where environment_id = ${scope.environmentId} and path = ${scope.path} and id != ${scope.except}
      and sent_until is not null and step != 'published'
      and created_at > coalesce(
        (select max(created_at) from rotations
          where environment_id = ${scope.environmentId} and path = ${scope.path} and step = 'published'),
        '-infinity')
    limit 1`.execute(db)
  return rows.length > 0
}
