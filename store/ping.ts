/** Whether the database answers and has its schema. */
import type { Database } from './database.ts'

/** @throws the driver's error when it is away or not migrated. */
export async function pingDatabase(db: Database): Promise<void> {
  await db.selectFrom('organizations').select('name').limit(1).execute()
}
