/** The key that hashes credentials outlives the key that wraps it: it gets a place beside the canary. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Null until the first start of a version that knows it: only the key-encryption key can fill it.
  await sql`alter table key_canary add column hash_key bytea`.execute(db)
}
