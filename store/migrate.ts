/** Brings the store's schema up to what this version of Rekey expects. Forward only, under kysely's advisory lock. */
import { promises as fs } from 'node:fs'
import path from 'node:path'
import { FileMigrationProvider, Migrator } from 'kysely/migration'
import type { Database } from './database.ts'

/** Applies what is missing and names it; any number of processes may call it at once. @throws when one fails; none of them is then applied. */
export async function migrate(db: Database): Promise<string[]> {
  const { error, results } = await migrator(db).migrateToLatest()
  if (error !== undefined) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName
    const why = error instanceof Error ? error.message : 'unknown error'
    throw new Error(
      `the store's schema could not be brought up to date${failed ? ` at ${failed}` : ''}: ${why}`,
      {
        cause: error,
      },
    )
  }
  return (results ?? []).map((result) => result.migrationName)
}

/** What `migrate` would apply, in order; empty when the schema is current. */
export async function pendingMigrations(db: Database): Promise<string[]> {
  const migrations = await migrator(db).getMigrations()
  return migrations
    .filter((migration) => migration.executedAt === undefined)
    .map((migration) => migration.name)
}

function migrator(db: Database): Migrator {
  const migrationFolder = path.join(import.meta.dirname, 'migrations')
  return new Migrator({ db, provider: new FileMigrationProvider({ fs, path, migrationFolder }) })
}
