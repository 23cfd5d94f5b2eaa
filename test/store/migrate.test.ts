import { readdirSync } from 'node:fs'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkCanary, createCanary, hasCanary } from '../../store/canary.ts'
import { connectDatabase } from '../../store/database.ts'
import { migrate, pendingMigrations } from '../../store/migrate.ts'
import { freshStore, type TestStore } from '../support/store.ts'

/** In the order of their numbers. */
const ALL = readdirSync(new URL('../../store/migrations/', import.meta.url))
  .map((name) => name.replace('.ts', ''))
  .sort()

let store: TestStore
let other: TestStore
beforeAll(async () => {
  store = await freshStore()
  other = await freshStore()
})
afterAll(async () => {
  await store.close()
  await other.close()
})

test('a migrated store has nothing pending, and migrating again does nothing', async () => {
  expect(await pendingMigrations(store.db)).toEqual([])
  expect(await migrate(store.db)).toEqual([])
})

test('several processes that migrate an empty database at once apply each migration once', async () => {
  await sql`create database empty_store`.execute(other.db)
  const url = other.url.replace(/[^/]+$/, 'empty_store')
  const databases = [connectDatabase(url), connectDatabase(url), connectDatabase(url)]
  try {
    expect(await pendingMigrations(databases[0]!)).toEqual(ALL)
    const applied = await Promise.all(databases.map(migrate))
    expect(applied.flat()).toEqual(ALL)
    await expect(checkCanary(databases[0]!, store.keeper)).rejects.toThrow('no key has sealed this store yet')
    expect(await hasCanary(databases[0]!)).toBe(false)
  } finally {
    await Promise.all(databases.map((db) => db.destroy()))
    await sql`drop database empty_store`.execute(other.db)
  }
})

test('the canary opens for its own key only', async () => {
  await checkCanary(store.db, store.keeper)
  await createCanary(store.db, store.keeper)
  await expect(checkCanary(store.db, other.keeper)).rejects.toThrow('not the one that sealed this store')
  await expect(createCanary(store.db, other.keeper)).rejects.toThrow('not the one that sealed this store')
  await checkCanary(store.db, store.keeper)
})
