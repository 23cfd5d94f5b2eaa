/** The rows of environments and their data keys. A deleted one stays as a tombstone that keeps its key. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { formatEnvironmentName, type EnvironmentName } from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from './database.ts'
import { decodePageToken, encodePageToken } from './page-token.ts'
import { appendRevision } from './revisions.ts'
import { newDataKey, openDataKey, type DataKey, type Keeper } from './seal.ts'
import { inTransaction } from './transaction.ts'

export interface Environment extends EnvironmentName {
  id: string
  newestRevision: number
  createdAt: Date
  modifiedAt: Date
  /** Set on a tombstone. */
  deletedAt: Date | null
}

const COLUMNS = [
  'environments.id',
  'environments.organization',
  'environments.project',
  'environments.name',
  'environments.newest_revision as newestRevision',
  'environments.created_at as createdAt',
  'environments.modified_at as modifiedAt',
  'environments.deleted_at as deletedAt',
] as const

/** Of an environment whose first text had to be sealed before it is made: its id, its key, that text. */
export interface GivenEnvironment {
  id: string
  wrappedKey: Buffer
  text: string
}

/**
 * Makes an environment with its own data key and revision 1, which is the empty text unless one is given.
 * @throws Refusal conflict when the name is taken.
 */
export async function createEnvironment(
  db: Queryable,
  keeper: Keeper,
  {
    organization,
    project,
    name,
    creator,
    given,
  }: EnvironmentName & { creator: string; given?: GivenEnvironment },
): Promise<Environment> {
  const { id, wrappedKey, text } = given ?? {
    id: randomUUID(),
    wrappedKey: await newDataKey(keeper),
    text: '',
  }
  return inTransaction(db, async (transaction) => {
    const made = await transaction
      .insertInto('environments')
      .values({ id, organization, project, name, data_key: wrappedKey })
      .onConflict((conflict) =>
        conflict.columns(['organization', 'project', 'name']).where('deleted_at', 'is', null).doNothing(),
      )
      .returning('id')
      .executeTakeFirst()
    if (!made)
      throw new Refusal('conflict', `environment ${formatEnvironmentName({ project, name })} already exists`)
    await appendRevision(transaction, { environmentId: id, text, creator })
    return (await findEnvironmentById(transaction, id))!
  })
}

export async function findEnvironment(
  db: Queryable,
  { organization, project, name }: EnvironmentName,
): Promise<Environment | undefined> {
  return db
    .selectFrom('environments')
    .select(COLUMNS)
    .where('organization', '=', organization)
    .where('project', '=', project)
    .where('name', '=', name)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
}

/** By id, tombstones included. */
export async function findEnvironmentById(db: Queryable, id: string): Promise<Environment | undefined> {
  return db.selectFrom('environments').select(COLUMNS).where('id', '=', id).executeTakeFirst()
}

/** As `findEnvironmentById`, and keeps everybody else from changing it until the caller's transaction ends. */
export async function lockEnvironment(db: Queryable, id: string): Promise<Environment | undefined> {
  return db.selectFrom('environments').select(COLUMNS).where('id', '=', id).forUpdate().executeTakeFirst()
}

export interface EnvironmentPage {
  environments: Environment[]
  /** Give it back to get the next page; absent on the last. */
  nextToken?: string
}

/**
 * The environments that `login` may at least read, by name; of one organization, or of all.
 * @throws Refusal invalid on a token that no page gave.
 */
export async function listEnvironments(
  db: Queryable,
  options: { login: string; organization?: string; limit?: number; token?: string },
): Promise<EnvironmentPage> {
  const limit = options.limit ?? 100
  let query = db
    .selectFrom('environments')
    .select(COLUMNS)
    .where('deleted_at', 'is', null)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('grants')
          .select('grants.id')
          .where('grants.login', '=', options.login)
          .whereRef('grants.organization', '=', 'environments.organization')
          .where((grant) =>
            grant.or([
              grant('grants.project', 'is', null),
              grant.and([
                grant('grants.project', '=', grant.ref('environments.project')),
                grant('grants.environment_id', 'is', null),
              ]),
              grant('grants.environment_id', '=', grant.ref('environments.id')),
            ]),
          ),
      ),
    )
  if (options.organization !== undefined) query = query.where('organization', '=', options.organization)
  if (options.token !== undefined && options.token !== '') {
    const [organization, project, name] = decodePageToken(options.token, 3)
    query = query.where(
      sql<boolean>`(organization, project, name) > (${organization}::text, ${project}::text, ${name}::text)`,
    )
  }
  const rows = await query
    .orderBy('organization')
    .orderBy('project')
    .orderBy('name')
    .limit(limit + 1)
    .execute()
  const environments = rows.slice(0, limit)
  const last = environments.at(-1)
  if (rows.length <= limit || !last) return { environments }
  return { environments, nextToken: encodePageToken([last.organization, last.project, last.name]) }
}

/** Leaves a tombstone. False when there is nothing to delete. */
export async function deleteEnvironment(
  db: Queryable,
  { id, login }: { id: string; login: string },
): Promise<boolean> {
  const result = await db
    .updateTable('environments')
    .set({ deleted_at: sql<Date>`now()`, deleted_by: login })
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

const CACHED_KEYS = 1000
/** A data key never changes, so what was unwrapped once stays true. */
const dataKeys = new WeakMap<Keeper, Map<string, DataKey>>()

/** The unwrapped key of an environment, tombstones included. @throws Refusal not-found, SealError */
export async function dataKeyOf(db: Queryable, keeper: Keeper, environmentId: string): Promise<DataKey> {
  const cache = dataKeys.get(keeper) ?? new Map<string, DataKey>()
  dataKeys.set(keeper, cache)
  const cached = cache.get(environmentId)
  if (cached) return cached
  const row = await db
    .selectFrom('environments')
    .select('data_key')
    .where('id', '=', environmentId)
    .executeTakeFirst()
  if (!row) throw new Refusal('not-found', 'there is no such environment')
  const dataKey = await openDataKey(keeper, row.data_key, environmentId)
  const oldest = cache.keys().next()
  if (cache.size >= CACHED_KEYS && !oldest.done) cache.delete(oldest.value)
  cache.set(environmentId, dataKey)
  return dataKey
}
