/** Names for revisions. `latest` is always the newest one: it is computed, never stored. */
import { sql } from 'kysely'
import { checkTagName } from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from './database.ts'

export interface RevisionTag {
  name: string
  revision: number
  editor: string
  editorName: string
  createdAt: Date
  modifiedAt: Date
}

interface NewTag {
  environmentId: string
  name: string
  revision: number
  editor: string
}

/** @throws Refusal invalid (the name), not-found (the revision), conflict (the tag exists). */
export async function createRevisionTag(
  db: Queryable,
  { environmentId, name, revision, editor }: NewTag,
): Promise<void> {
  checkTagName(name)
  await demandRevision(db, environmentId, revision)
  const made = await db
    .insertInto('revision_tags')
    .values({ environment_id: environmentId, name, revision, editor })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (made.numInsertedOrUpdatedRows === 0n)
    throw new Refusal('conflict', `revision tag "${name}" already exists`)
}

/** @throws Refusal invalid (the name), not-found (the revision or the tag). */
export async function moveRevisionTag(
  db: Queryable,
  { environmentId, name, revision, editor }: NewTag,
): Promise<void> {
  checkTagName(name)
  await demandRevision(db, environmentId, revision)
  const moved = await db
    .updateTable('revision_tags')
    .set({ revision, editor, modified_at: sql<Date>`now()` })
    .where('environment_id', '=', environmentId)
    .where('name', '=', name)
    .executeTakeFirst()
  if (moved.numUpdatedRows === 0n) throw new Refusal('not-found', `there is no revision tag "${name}"`)
}

/** @throws Refusal invalid (the name), not-found. */
export async function deleteRevisionTag(db: Queryable, environmentId: string, name: string): Promise<void> {
  checkTagName(name)
  const gone = await db
    .deleteFrom('revision_tags')
    .where('environment_id', '=', environmentId)
    .where('name', '=', name)
    .executeTakeFirst()
  if (gone.numDeletedRows === 0n) throw new Refusal('not-found', `there is no revision tag "${name}"`)
}

export async function getRevisionTag(
  db: Queryable,
  environmentId: string,
  name: string,
): Promise<RevisionTag | undefined> {
  return name === 'latest'
    ? latestTag(db, environmentId)
    : storedTags(db, environmentId).where('revision_tags.name', '=', name).executeTakeFirst()
}

/** By name in byte order, `latest` among them; only those after `after`. */
export async function listRevisionTags(
  db: Queryable,
  environmentId: string,
  { after = '', count = 500 }: { after?: string; count?: number } = {},
): Promise<RevisionTag[]> {
  const stored = await storedTags(db, environmentId)
    .where(sql<boolean>`revision_tags.name collate "C" > ${after}`)
    .orderBy(sql`revision_tags.name collate "C"`)
    .limit(count)
    .execute()
  const latest = after < 'latest' ? await latestTag(db, environmentId) : undefined
  const all = latest ? [...stored, latest] : stored
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1)).slice(0, count)
}

function storedTags(db: Queryable, environmentId: string) {
  return db
    .selectFrom('revision_tags')
    .leftJoin('users', 'users.login', 'revision_tags.editor')
    .select((tag) => [
      'revision_tags.name',
      'revision',
      'editor',
      tag.fn.coalesce('users.name', 'editor').as('editorName'),
      'revision_tags.created_at as createdAt',
      'modified_at as modifiedAt',
    ])
    .where('environment_id', '=', environmentId)
}

async function latestTag(db: Queryable, environmentId: string): Promise<RevisionTag | undefined> {
  return db
    .selectFrom('revisions')
    .leftJoin('users', 'users.login', 'revisions.creator')
    .select((revision) => [
      sql<string>`'latest'`.as('name'),
      'number as revision',
      'creator as editor',
      revision.fn.coalesce('users.name', 'creator').as('editorName'),
      'revisions.created_at as createdAt',
      'revisions.created_at as modifiedAt',
    ])
    .where('environment_id', '=', environmentId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
}

async function demandRevision(db: Queryable, environmentId: string, number: number): Promise<void> {
  const found = await db
    .selectFrom('revisions')
    .select('number')
    .where('environment_id', '=', environmentId)
    .where('number', '=', number)
    .executeTakeFirst()
  if (!found) throw new Refusal('not-found', `there is no revision ${number}`)
}
