/** Makes the store of `rekey dev` ready: schema, key, organization, its administrator and their access token. */
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { createCanary, hasCanary } from '../store/canary.ts'
import { connectDatabase, type Database } from '../store/database.ts'
import { giveGrant } from '../store/grants.ts'
import { migrate } from '../store/migrate.ts'
import { loadKeeper } from '../store/keeper.ts'
import { createKeyFile } from '../store/key-file.ts'
import { authenticateToken, createToken } from '../store/tokens.ts'
import { addMember, ensureOrganization, ensureUser } from '../store/users.ts'

export interface DevStore {
  databaseUrl: string
  keyFile: string
  tokenFile: string
  organization: string
}

export const ADMINISTRATOR = 'admin'

/** May be called at every start. @throws Error in words: the key of a store that has one is missing or wrong. */
export async function prepareStore(store: DevStore): Promise<void> {
  const db = connectDatabase(store.databaseUrl)
  try {
    await migrate(db)
    await tieKey(db, store.keyFile)
    await ensureOrganization(db, store.organization)
    await ensureUser(db, { login: ADMINISTRATOR })
    await addMember(db, store.organization, ADMINISTRATOR)
    await giveGrant(db, {
      scope: { organization: store.organization },
      login: ADMINISTRATOR,
      level: 'admin',
      grantedBy: 'rekey dev',
    })
    await writeToken(db, store.tokenFile)
  } finally {
    await db.destroy()
  }
}

async function tieKey(db: Database, keyFile: string): Promise<void> {
  if (!existsSync(keyFile)) {
    if (await hasCanary(db))
      throw new Error(
        `the key file ${keyFile} is missing: put it back, or give another --data-dir to begin anew`,
      )
    await createKeyFile(keyFile)
  }
  await createCanary(db, await loadKeeper(keyFile))
}

/** Keeps the token that is there while it is valid: scripts may hold it. */
async function writeToken(db: Database, tokenFile: string): Promise<void> {
  const kept = (await readFile(tokenFile, 'utf8').catch(() => '')).trim()
  if (kept !== '' && (await belongsToAdministrator(db, kept))) return
  const { token } = await createToken(db, { login: ADMINISTRATOR, name: 'rekey dev' })
  const draft = `${tokenFile}.new`
  await writeFile(draft, `${token.reveal()}\n`, { mode: 0o600 })
  await rename(draft, tokenFile)
}

async function belongsToAdministrator(db: Database, token: string): Promise<boolean> {
  return authenticateToken(db, token).then(
    ({ login }) => login === ADMINISTRATOR,
    () => false,
  )
}
