/** Runs statements that belong together: in the caller's transaction where there is one, else in one of their own. */
import type { Transaction } from 'kysely'
import type { Queryable } from './database.ts'
import type { Tables } from './tables.ts'

export async function inTransaction<T>(
  db: Queryable,
  work: (transaction: Transaction<Tables>) => Promise<T>,
): Promise<T> {
  if (db.isTransaction) return work(db as Transaction<Tables>)
  return db.transaction().execute(work)
}
