/** How claiming targets would go, for dry runs: as claims.ts does it, path after path, and without writing anything. */
import { sql } from 'kysely'
import type { claimTargets } from './claims.ts'

/** Answers as `claimTargets` would; remembers what it has given and freed so far. */
export function rehearseClaims(): typeof claimTargets {
  const given = new Map<string, { environmentId: string; path: string }>()
  const freed = new Set<string>()
  return async (db, { environmentId, path, targets, published }) => {
    const rows = await db
      .selectFrom('target_claims')
      .select([
        'target',
        'environment_id as environmentId',
        'path',
        sql<boolean>`exists (
          select 1 from rotations where sent_until is not null and settled_at is null
            and target_claims.target = any(rotations.targets))
          or exists (
            select 1 from held_credentials where holder = target and hmac = any(${published}::bytea[]))`.as(
          'isKept',
        ),
      ])
      .where(({ and, eb, or }) =>
        or([
          eb('target', '=', sql<string>`any(${targets}::text[])`),
          and([eb('environment_id', '=', environmentId), eb('path', '=', path)]),
        ]),
      )
      .execute()
    const isOurs = (claim: { environmentId: string; path: string }) =>
      claim.environmentId === environmentId && claim.path === path
    for (const row of rows)
      if (isOurs(row) && !targets.includes(row.target) && !row.isKept) freed.add(row.target)
    for (const target of targets) {
      const holder = given.get(target) ?? rows.find((row) => row.target === target && !freed.has(target))
      if (holder && !isOurs(holder)) return { target, environmentId: holder.environmentId, path: holder.path }
    }
    for (const target of targets) given.set(target, { environmentId, path })
    return undefined
  }
}
