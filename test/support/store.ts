/** A migrated, sealed store of its own for a test file, with one organization and people in it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkCanary, createCanary } from '../../store/canary.ts'
import { connectDatabase, type Database } from '../../store/database.ts'
import { giveGrant } from '../../store/grants.ts'
import { migrate } from '../../store/migrate.ts'
import { loadKeeper, type ProgramKeeper } from '../../store/keeper.ts'
import { createKeyFile } from '../../store/key-file.ts'
import { addMember, ensureOrganization, ensureUser } from '../../store/users.ts'
import { copyOfDatabase, migratedDatabase, type FreshDatabase } from './servers.ts'

export interface TestStore {
  db: Database
  keeper: ProgramKeeper
  url: string
  /** For a program that opens this store by itself. */
  keyFile: string
  close(): Promise<void>
}

/** Organization `acme`; `ada` administers it, `bob` and `eve` are members without a grant. */
export async function freshStore(database?: Pick<FreshDatabase, 'url' | 'drop'>): Promise<TestStore> {
  const { url, drop } = database ?? (await migratedDatabase())
  const folder = await mkdtemp(join(tmpdir(), 'rekey-store-'))
  const keyFile = join(folder, 'key')
  await createKeyFile(keyFile)
  const keeper = await loadKeeper(keyFile)
  const db = connectDatabase(url)
  if (database) await migrate(db)
  await createCanary(db, keeper)
  await ensureOrganization(db, 'acme')
  for (const login of ['ada', 'bob', 'eve']) {
    await ensureUser(db, { login, name: login.toUpperCase() })
    await addMember(db, 'acme', login)
  }
  await giveGrant(db, { scope: { organization: 'acme' }, login: 'ada', level: 'admin', grantedBy: 'system' })
  const close = async () => {
    await db.destroy()
    await drop()
    await rm(folder, { recursive: true })
  }
  return { db, keeper, url, keyFile, close }
}

/** A backup of a store as it is now, which can be taken for the store later; with the same key. */
export async function backUp(
  store: TestStore,
): Promise<{ restore(): Promise<TestStore>; drop(): Promise<void> }> {
  const { url, drop } = await copyOfDatabase(store.url)
  return { drop, restore: () => openStore({ url, drop }, store.keyFile) }
}

/** A store that is there already. @throws when the key file is not the one that sealed it */
export async function openStore(
  { url, drop }: Pick<FreshDatabase, 'url' | 'drop'>,
  keyFile: string,
): Promise<TestStore> {
  const db = connectDatabase(url)
  try {
    const keeper = await loadKeeper(keyFile)
    await checkCanary(db, keeper)
    const close = async () => {
      await db.destroy()
      await drop()
    }
    return { db, keeper, url, keyFile, close }
  } catch (error) {
    await db.destroy()
    throw error
  }
}
