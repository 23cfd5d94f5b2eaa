/**
 * One row that only the right key-encryption key opens: it keeps a server or worker with a wrong key from sealing new
 * credentials with it, and holds, wrapped, the key that hashes credentials.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Queryable } from './database.ts'
import type { ProgramKeeper } from './keeper.ts'
import { KEY_BYTES, SealError } from './seal.ts'

const SONG = createHash('sha256').update('rekey canary').digest()

/** Ties the store to this key. Does nothing when it already is. @throws when it is tied to another. */
export async function createCanary(db: Queryable, keeper: ProgramKeeper): Promise<void> {
  if (!(await hasCanary(db)))
    await db
      .insertInto('key_canary')
      .values({
        id: 1,
        sealed: await keeper.wrap(SONG),
        hash_key: await keeper.wrap(randomBytes(KEY_BYTES)),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  const { sealed, hashKey } = await openSong(db, keeper)
  // A store from before it had a hash key: what was hashed until now must stay comparable.
  const original = hashKey ? undefined : keeper.originalHashKey()
  if (original)
    await db
      .updateTable('key_canary')
      .set({ hash_key: await keeper.wrap(original) })
      .where('sealed', '=', sealed)
      .where('hash_key', 'is', null)
      .execute()
  await checkCanary(db, keeper)
}

/** True once a key has been tied to this store. */
export async function hasCanary(db: Queryable): Promise<boolean> {
  return (await db.selectFrom('key_canary').select('id').executeTakeFirst()) !== undefined
}

/**
 * Lets the keeper hash credentials from here on.
 * @throws Error in words for the operator when this key did not seal the store, or no key has yet.
 */
export async function checkCanary(db: Queryable, keeper: ProgramKeeper): Promise<void> {
  const { hashKey } = await openSong(db, keeper)
  if (!hashKey) throw new Error('this store has no key for its hashes yet; run "rekey migrate" once')
  keeper.useHashKey(await keeper.unwrap(hashKey))
}

async function openSong(
  db: Queryable,
  keeper: ProgramKeeper,
): Promise<{ sealed: Buffer; hashKey: Buffer | null }> {
  const row = await db.selectFrom('key_canary').select(['sealed', 'hash_key']).executeTakeFirst()
  if (!row) throw new Error('no key has sealed this store yet; "rekey migrate --new-key" makes one')
  const opened = await keeper.unwrap(row.sealed).catch((error: unknown) => {
    if (!(error instanceof SealError)) throw error
    throw new Error('this key file is not the one that sealed this store; give it the right one')
  })
  if (!SONG.equals(opened)) throw new Error('the canary row of this store is damaged')
  return { sealed: row.sealed, hashKey: row.hash_key }
}
