/** Brings the store's schema up to date and ties a new store to its key; says what it did. */
import { existsSync } from 'node:fs'
import { createCanary, hasCanary } from '../store/canary.ts'
import { connectDatabase } from '../store/database.ts'
import { migrate } from '../store/migrate.ts'
import { loadKeeper } from '../store/keeper.ts'
import { createKeyFile } from '../store/key-file.ts'
import { Failure } from './failure.ts'
import { inWordsOfStore } from './store-errors.ts'

export interface Migrated {
  applied: string[]
  /** `made` now, `tied` now to a file that was there, `kept` as it was, or `missing`. */
  key: 'made' | 'tied' | 'kept' | 'missing'
}

/** @throws Failure, Error in words for the operator */
export async function migrateStore(
  { databaseUrl, keyFile, kmsKey }: { databaseUrl: string; keyFile: string; kmsKey: string | undefined },
  newKey: boolean,
): Promise<Migrated> {
  const db = connectDatabase(databaseUrl)
  try {
    const applied = await inWordsOfStore(migrate(db))
    const tied = await hasCanary(db)
    if (tied && newKey)
      throw new Failure('this store has its key already; a second one would make its credentials unreadable')
    if (!tied && !newKey) return { applied, key: 'missing' }
    // A file that is there belongs to a start that was cut off here, or was handed out by the operator.
    const made = newKey && kmsKey === undefined && (await makeUnlessThere(keyFile))
    await createCanary(db, await loadKeeper(keyFile, kmsKey))
    return { applied, key: made ? 'made' : tied ? 'kept' : 'tied' }
  } finally {
    await db.destroy()
  }
}

async function makeUnlessThere(keyFile: string): Promise<boolean> {
  if (existsSync(keyFile)) return false
  await createKeyFile(keyFile)
  return true
}
