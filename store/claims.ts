/** Who owns a target: one path of one environment, until the call is gone and its rows are settled. */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import { visible } from './rotation-records.ts'

/** Whose a target is already. */
export interface ClaimHolder {
  target: string
  environmentId: string
  path: string
}

/**
 * Claims targets for a path, all or none of them. Targets that the path held before and no longer names are given
 * back where nothing about them is in doubt. Call it in the plan's transaction.
 * @returns the claim of somebody else that stands in the way, if any.
 */
export async function claimTargets(
  db: Queryable,
  claim: { environmentId: string; path: string; rotationId: string; targets: string[] },
): Promise<ClaimHolder | undefined> {
  await releaseClaims(db, claim.environmentId, claim.path, claim.targets)
  if (claim.targets.length === 0) return undefined
  const rows = await db
    .selectFrom('target_claims')
    .select(['target', 'environment_id', 'path'])
    .where('target', 'in', claim.targets)
    .execute()
  const other = rows.find((row) => row.environment_id !== claim.environmentId || row.path !== claim.path)
  if (other) return { target: other.target, environmentId: other.environment_id, path: other.path }
  const targets = [...new Set(claim.targets)].sort()
  const taken = await db
    .insertInto('target_claims')
    .values(
      targets.map((target) => ({
        target,
        environment_id: claim.environmentId,
        path: claim.path,
        rotation_id: claim.rotationId,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .column('target')
        .doUpdateSet({ rotation_id: claim.rotationId })
        .where('target_claims.environment_id', '=', claim.environmentId)
        .where('target_claims.path', '=', claim.path),
    )
    .returning('target')
    .execute()
  // Somebody claimed one since we looked: the plan's transaction fails as a whole and is run again.
  if (taken.length < targets.length) throw new Error('a target was claimed at the same moment')
  return undefined
}

/** Gives back the claims of a path, but for the targets in `keep` and those with a rotation still in doubt. */
export async function releaseClaims(
  db: Queryable,
  environmentId: string,
  path: string,
  keep: string[] = [],
): Promise<void> {
  await db
    .deleteFrom('target_claims')
    .where('environment_id', '=', environmentId)
    .where('path', '=', path)
    .where(sql<boolean>`not (target = any(${keep}::text[]))`)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('rotations')
            .select('rotations.id')
            .where('rotations.sent_until', 'is not', null)
            .where('rotations.settled_at', 'is', null)
            .where(sql<boolean>`target_claims.target = any(rotations.targets)`),
        ),
      ),
    )
    .execute()
}

/** The paths of an environment that hold claims, of calls that may be gone. */
export async function claimedPaths(db: Queryable, environmentId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('target_claims')
    .select('path')
    .distinct()
    .where('environment_id', '=', environmentId)
    .execute()
  return rows.map((row) => row.path)
}

/** Who holds a target. */
export async function findClaim(db: Queryable, target: string): Promise<ClaimHolder | undefined> {
  return await db
    .selectFrom('target_claims')
    .select(['target', 'environment_id as environmentId', 'path'])
    .where('target', '=', target)
    .executeTakeFirst()
}

export interface Claim extends ClaimHolder {
  organization: string
  project: string
  name: string
  deletedAt: Date | null
  claimedAt: Date
  /** Rotations that left something in doubt there. */
  unsettled: string[]
}

/** The claims of an organization that somebody may see, by target. */
export async function listClaims(
  db: Queryable,
  { organization, login }: { organization: string; login: string },
): Promise<Claim[]> {
  return await db
    .selectFrom('target_claims as claim')
    .innerJoin('environments as environment', 'environment.id', 'claim.environment_id')
    .select([
      'claim.target',
      'claim.environment_id as environmentId',
      'claim.path',
      'claim.claimed_at as claimedAt',
      'environment.organization',
      'environment.project',
      'environment.name',
      'environment.deleted_at as deletedAt',
      sql<string[]>`array(
        select rotations.id::text from rotations
        where claim.target = any(rotations.targets) and sent_until is not null and settled_at is null
          and outcome is not null
        order by created_at)`.as('unsettled'),
    ])
    .where('environment.organization', '=', organization)
    .where(visible(login))
    .orderBy('claim.target')
    .execute()
}

/** Frees one target of an environment, whatever is in doubt about it: a person has decided. */
export async function freeClaim(db: Queryable, environmentId: string, target: string): Promise<void> {
  await db
    .deleteFrom('target_claims')
    .where('target', '=', target)
    .where('environment_id', '=', environmentId)
    .execute()
}
