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

/** What a path holds on to. */
export interface Kept {
  /** Those that its call names. */
  targets: string[]
  /** Keyed hashes of the credentials that its state holds: their users stay its own, named or not. */
  published: Buffer[]
}

/**
 * Claims targets for a path, all or none of them. Targets that the path held before and no longer names are given
 * back where nothing about them is in doubt or published. Call it in the plan's transaction.
 * @returns the claim of somebody else that stands in the way, if any.
 */
export async function claimTargets(
  db: Queryable,
  claim: { environmentId: string; path: string; rotationId: string } & Kept,
): Promise<ClaimHolder | undefined> {
  await releaseClaims(db, claim.environmentId, claim.path, claim)
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

/**
 * A state that was rotated before keeps its targets wherever its call stands, and takes them again when it comes back:
 * otherwise somebody else's rotation would end the credential that it publishes. Takes nothing from anybody.
 */
export async function holdTargets(
  db: Queryable,
  { environmentId, path, targets }: { environmentId: string; path: string; targets: string[] },
): Promise<void> {
  await sql`
    insert into target_claims (target, environment_id, path, rotation_id)
    select target, ${environmentId}, ${path}, newest.id
    from unnest(${targets}::text[]) as target
    cross join lateral (
      select id from rotations
      where environment_id = ${environmentId} and step = 'published' and target = any(targets)
      order by created_at desc limit 1) as newest
    order by target
    on conflict do nothing`.execute(db)
}

/** Gives back the claims of a path, but for what is kept and for targets with a rotation still in doubt. */
export async function releaseClaims(
  db: Queryable,
  environmentId: string,
  path: string,
  { targets, published }: Kept = { targets: [], published: [] },
): Promise<void> {
  await db
    .deleteFrom('target_claims')
    .where('environment_id', '=', environmentId)
    .where('path', '=', path)
    .where(sql<boolean>`not (target = any(${targets}::text[]))`)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('held_credentials')
            .select('hmac')
            .whereRef('holder', '=', 'target_claims.target')
            .where(sql<boolean>`hmac = any(${published}::bytea[])`),
        ),
      ),
    )
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

/** True when another environment holds one of these. */
export async function isClaimedElsewhere(
  db: Queryable,
  environmentId: string,
  targets: string[],
): Promise<boolean> {
  const claim = await db
    .selectFrom('target_claims')
    .select('target')
    .where(sql<boolean>`target = any(${targets}::text[])`)
    .where('environment_id', '<>', environmentId)
    .limit(1)
    .executeTakeFirst()
  return claim !== undefined
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
