/**
 * What rotations left in doubt, over all environments: for people who settle it, for the sweeper and for metrics. A row
 * whose event is still open is under way and not listed. Settling itself is in unsettled.ts.
 */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'

export interface UnsettledCount {
  /** How the rotations ended: a failure code. */
  code: string
  /** The target made something whose secret nobody knows: ids alone may tell what it was. */
  suspect: boolean
  /** The environment was deleted. */
  deleted: boolean
  rows: number
  /** Milliseconds since the oldest of them was begun, by the store's clock. */
  oldest: number
}

/** Unsettled rotations by what is known of them; empty when there are none. */
export async function unsettledCounts(db: Queryable): Promise<UnsettledCount[]> {
  return await db
    .selectFrom('rotations')
    .innerJoin('environments', 'environments.id', 'rotations.environment_id')
    .select([
      sql<string>`coalesce(failure_code, 'INTERNAL')`.as('code'),
      sql<boolean>`credential is null`.as('suspect'),
      sql<boolean>`deleted_at is not null`.as('deleted'),
      sql<number>`count(*)::integer`.as('rows'),
      sql<number>`(extract(epoch from now() - min(rotations.created_at)) * 1000)::float8`.as('oldest'),
    ])
    .where('sent_until', 'is not', null)
    .where('settled_at', 'is', null)
    .where('outcome', 'is not', null)
    .groupBy([sql`1`, sql`2`, sql`3`])
    .orderBy(sql`1, 2, 3`)
    .execute()
}
