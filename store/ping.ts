/** Whether the database answers and has its schema, and what time it has. */
import { sql } from 'kysely'
import type { Database } from './database.ts'

/** @throws the driver's error when it is away or not migrated. */
export async function pingDatabase(db: Database): Promise<void> {
  await db.selectFrom('organizations').select('name').limit(1).execute()
}

/** The clock by which due times, deadlines and ages are compared. */
export async function databaseTime(db: Database): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(db)
  return rows[0]!.now
}
