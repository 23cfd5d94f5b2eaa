/**
 * Dry runs under way. A row carries the question to a worker and the words of the answer back, past Temporal; it is
 * taken with the answer, and whatever nobody took is deleted after a while. Never a secret.
 */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'

export interface Rehearsal {
  id: string
  environmentId: string
  /** Whose rights count. */
  login: string
  /** Null: every rotate call of the definition. */
  paths: string[] | null
  force: boolean
}

/** Minutes after which nobody waits for an answer any more. */
const FORGOTTEN_AFTER = 15

export async function insertRehearsal(db: Queryable, rehearsal: Rehearsal): Promise<void> {
  await db
    .deleteFrom('rehearsals')
    .where('created_at', '<', sql<Date>`now() - make_interval(mins => ${FORGOTTEN_AFTER})`)
    .execute()
  const { id, environmentId, login, paths, force } = rehearsal
  await db
    .insertInto('rehearsals')
    .values({ id, environment_id: environmentId, login, paths, force, result: null })
    .execute()
}

export async function findRehearsal(db: Queryable, id: string): Promise<Rehearsal | undefined> {
  return await db
    .selectFrom('rehearsals')
    .select(['id', 'environment_id as environmentId', 'login', 'paths', 'force'])
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Writes the answer; nothing when nobody waits for it any more. */
export async function answerRehearsal(db: Queryable, id: string, result: unknown): Promise<void> {
  await db
    .updateTable('rehearsals')
    .set({ result: JSON.stringify(result) })
    .where('id', '=', id)
    .execute()
}

/** Takes the row away. @returns its answer; null when there was none. */
export async function takeRehearsal(db: Queryable, id: string): Promise<unknown> {
  const row = await db.deleteFrom('rehearsals').where('id', '=', id).returning('result').executeTakeFirst()
  return row?.result ?? null
}
