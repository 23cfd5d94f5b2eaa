/** What `rekey key` does: to the key file and to everything in the store that its keys wrap. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkCanary } from '../store/canary.ts'
import { connectDatabase, type Database } from '../store/database.ts'
import { loadKeeper, type ProgramKeeper } from '../store/keeper.ts'
import { fingerprint, newKey, readKeyFile, replaceKeyFile } from '../store/key-file.ts'
import { countOlder, rewrapKeys, type Rewrapped } from '../store/rewrap.ts'
import { Failure } from './failure.ts'
import { inWordsOfStore } from './store-errors.ts'

/** Where store and keys are. */
export interface StoreSettings {
  databaseUrl: string
  keyFile: string
  kmsKey: string | undefined
}

/** Milliseconds in which a program that has just wrapped with the key before has written that down. */
const UNDER_WAY = 2_000

export interface DescribedKeys {
  keys: { name: string; holder: string; use: string }[]
  /** Wrapped keys of the store, and those that the newest key does not wrap. */
  total: number
  older: number
}

/** @throws Failure, Error in words for the operator; so do all of these. */
export async function describeKeys(settings: StoreSettings): Promise<DescribedKeys> {
  return await withStore(settings, async (db, keeper) => {
    const listed: DescribedKeys['keys'] = []
    const list = (name: string, holder: string, use?: string) =>
      listed.push({ name, holder, use: use ?? (listed.length === 0 ? 'wraps and opens' : 'opens') })
    if (settings.kmsKey !== undefined) list(settings.kmsKey, 'AWS KMS')
    if (settings.kmsKey === undefined || existsSync(settings.keyFile)) {
      const { keys, next } = await readKeyFile(settings.keyFile)
      for (const key of keys) list(fingerprint(key), settings.keyFile)
      if (next) list(fingerprint(next), settings.keyFile, 'next')
    }
    return { keys: listed, ...(await countOlder(db, keeper)) }
  })
}

export async function addKey(settings: StoreSettings): Promise<{ name: string; keyFile: string }> {
  demandKeyFile(settings)
  return await withStore(settings, async () => {
    const { keys, next } = await readKeyFile(settings.keyFile)
    // Added before: the file may be on other machines already.
    const added = next ?? newKey()
    if (!next) await replaceKeyFile(settings.keyFile, { keys, next: added })
    return { name: fingerprint(added), keyFile: settings.keyFile }
  })
}

export async function rotateKey(settings: StoreSettings): Promise<Rewrapped & { name: string }> {
  return await withStore(settings, async (db, keeper) => {
    const name = settings.kmsKey ?? (await bringForward(db, keeper, settings.keyFile))
    return { name, ...(await rewrapKeys(db, keeper)) }
  })
}

export async function retireKeys(settings: StoreSettings): Promise<Rewrapped & { removed: string[] }> {
  demandKeyFile(settings)
  return await withStore(settings, async (db, keeper) => {
    const { keys, next } = await readKeyFile(settings.keyFile)
    const [newest, ...older] = keys as [Buffer, ...Buffer[]]
    const first = await rewrapKeys(db, keeper)
    if (older.length === 0) return { ...first, removed: [] }
    // From here on every program on this machine wraps with the newest key, and one may have wrapped before.
    await sleep(UNDER_WAY)
    const last = await rewrapKeys(db, keeper)
    await replaceKeyFile(settings.keyFile, { keys: [newest], next })
    return { total: last.total, rewrapped: first.rewrapped + last.rewrapped, removed: older.map(fingerprint) }
  })
}

/** Puts the key that waits, or else a new one, first, unless an earlier turn of the keys has not come to its end. */
async function bringForward(db: Database, keeper: ProgramKeeper, keyFile: string): Promise<string> {
  const { keys, next } = await readKeyFile(keyFile)
  const { older } = await countOlder(db, keeper)
  if (older > 0) return fingerprint(keys[0]!)
  const newest = next ?? newKey()
  await replaceKeyFile(keyFile, { keys: [newest, ...keys] })
  return fingerprint(newest)
}

function demandKeyFile({ kmsKey }: StoreSettings): void {
  if (kmsKey !== undefined)
    throw new Failure(
      'AWS KMS holds the key: point REKEY_KMS_KEY at another one and run "rekey key rotate"; ' +
        'once "rekey key ls" shows that it wraps everything, the key file can go',
    )
}

/** Opens the store with its key, as the operator who has both. @throws Failure, Error in words for the operator */
export async function withStore<T>(
  settings: StoreSettings,
  work: (db: Database, keeper: ProgramKeeper) => Promise<T>,
): Promise<T> {
  const keeper = await loadKeeper(settings.keyFile, settings.kmsKey)
  const db = connectDatabase(settings.databaseUrl)
  try {
    await inWordsOfStore(checkCanary(db, keeper))
    return await work(db, keeper)
  } finally {
    await db.destroy()
  }
}
