/**
 * One row that only the right key-encryption key opens: it keeps a server or worker with a wrong key file from
 * sealing new credentials with it.
 */
import { createHash } from 'node:crypto'
import type { Queryable } from './database.ts'
import { SealError, type Keeper } from './seal.ts'

const SONG = createHash('sha256').update('rekey canary').digest()

/** Ties the store to this key. Does nothing when it already is. @throws when it is tied to another. */
export async function createCanary(db: Queryable, keeper: Keeper): Promise<void> {
  await db
    .insertInto('key_canary')
    .values({ id: 1, sealed: await keeper.wrap(SONG) })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await checkCanary(db, keeper)
}

/** True once a key has been tied to this store. */
export async function hasCanary(db: Queryable): Promise<boolean> {
  return (await db.selectFrom('key_canary').select('id').executeTakeFirst()) !== undefined
}

/** @throws Error in words for the operator when this key did not seal the store, or no key has yet. */
export async function checkCanary(db: Queryable, keeper: Keeper): Promise<void> {
  const row = await db.selectFrom('key_canary').select('sealed').executeTakeFirst()
  if (!row) throw new Error('no key has sealed this store yet; "rekey migrate --new-key" makes one')
  const opened = await keeper.unwrap(row.sealed).catch((error: unknown) => {
    if (!(error instanceof SealError)) throw error
    throw new Error('this key file is not the one that sealed this store; give it the right one')
  })
  if (!SONG.equals(opened)) throw new Error('the canary row of this store is damaged')
}
