/** Revisions of environments: numbered without a gap from 1, and never changed. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Version } from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from './database.ts'
import { inTransaction } from './transaction.ts'

export interface Revision {
  environmentId: string
  number: number
  text: string
  creator: string
  createdAt: Date
  /** The rotation event that wrote it, if one did. */
  eventId: string | null
}

const COLUMNS = [
  'environment_id as environmentId',
  'number',
  'text',
  'creator',
  'created_at as createdAt',
  'event_id as eventId',
] as const

/**
 * Appends the next revision. Counting up locks the environment's row, so numbers have no gap and no double.
 * @throws Refusal not-found when the environment is gone.
 */
export async function appendRevision(
  db: Queryable,
  {
    environmentId,
    text,
    creator,
    eventId,
  }: { environmentId: string; text: string; creator: string; eventId?: string },
): Promise<Revision> {
  return inTransaction(db, async (transaction) => {
    const counted = await transaction
      .updateTable('environments')
      .set({ newest_revision: sql`newest_revision + 1`, modified_at: sql<Date>`now()` })
      .where('id', '=', environmentId)
      .where('deleted_at', 'is', null)
      .returning('newest_revision')
      .executeTakeFirst()
    if (!counted) throw new Refusal('not-found', 'the environment does not exist any more')
    return transaction
      .insertInto('revisions')
      .values({
        environment_id: environmentId,
        number: counted.newest_revision,
        text,
        creator,
        event_id: eventId ?? null,
      })
      .returning(COLUMNS)
      .executeTakeFirstOrThrow()
  })
}

export async function getRevision(
  db: Queryable,
  environmentId: string,
  number: number,
): Promise<Revision | undefined> {
  return db
    .selectFrom('revisions')
    .select(COLUMNS)
    .where('environment_id', '=', environmentId)
    .where('number', '=', number)
    .executeTakeFirst()
}

export async function latestRevision(db: Queryable, environmentId: string): Promise<Revision | undefined> {
  return db
    .selectFrom('revisions')
    .select(COLUMNS)
    .where('environment_id', '=', environmentId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** The number of the revision that a tag names now. */
export async function taggedRevision(
  db: Queryable,
  environmentId: string,
  name: string,
): Promise<number | undefined> {
  const tag = await db
    .selectFrom('revision_tags')
    .select('revision')
    .where('environment_id', '=', environmentId)
    .where('name', '=', name)
    .executeTakeFirst()
  return tag?.revision
}

/** The revision that a number or a tag names now. */
export async function revisionAt(
  db: Queryable,
  environmentId: string,
  version: Version,
): Promise<Revision | undefined> {
  if (version.kind === 'latest') return latestRevision(db, environmentId)
  if (version.kind === 'number') return getRevision(db, environmentId, version.number)
  const number = await taggedRevision(db, environmentId, version.tag)
  return number === undefined ? undefined : getRevision(db, environmentId, number)
}

/** The revision that an event wrote: at most one. */
export async function findRevisionByEvent(db: Queryable, eventId: string): Promise<Revision | undefined> {
  return db.selectFrom('revisions').select(COLUMNS).where('event_id', '=', eventId).executeTakeFirst()
}

export interface RevisionSummary {
  number: number
  creator: string
  creatorName: string
  createdAt: Date
  eventId: string | null
  /** Sorted; the newest revision also has `latest`. */
  tags: string[]
}

/** Newest first, without their texts; only those below `before`, when it is given and not 0. */
export async function listRevisions(
  db: Queryable,
  environmentId: string,
  { before = 0, count = 500 }: { before?: number; count?: number } = {},
): Promise<RevisionSummary[]> {
  let query = db
    .selectFrom('revisions')
    .innerJoin('environments', 'environments.id', 'revisions.environment_id')
    .leftJoin('users', 'users.login', 'revisions.creator')
    .select([
      'revisions.number',
      'revisions.creator',
      'users.name as creatorName',
      'revisions.created_at as createdAt',
      'revisions.event_id as eventId',
      'environments.newest_revision as newest',
    ])
    .select(
      sql<string[]>`array(select revision_tags.name from revision_tags
        where revision_tags.environment_id = revisions.environment_id and revision_tags.revision = revisions.number)`.as(
        'tags',
      ),
    )
    .where('revisions.environment_id', '=', environmentId)
  if (before > 0) query = query.where('revisions.number', '<', before)
  const rows = await query.orderBy('revisions.number', 'desc').limit(count).execute()
  return rows.map(({ newest, creatorName, tags, ...row }) => ({
    ...row,
    creatorName: creatorName ?? row.creator,
    tags: (row.number === newest ? [...tags, 'latest'] : tags).toSorted(),
  }))
}

/** Names a revision for clients that must not overwrite what they have not seen. Opaque. */
export function etag(environmentId: string, number: number): string {
  return createHash('sha256').update(`${environmentId}/${number}`).digest('hex').slice(0, 32)
}
