/** One `rekey dev` per folder: says who has it, and takes it over from one that was killed. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { processIdentity } from './process-identity.ts'

interface Owner {
  pid: number
  identity: string
}

/** Returns what gives the folder free again. @throws Error while another one runs on it. */
export function lockFolder(file: string, folder: string): () => void {
  const own: Owner = { pid: process.pid, identity: processIdentity(process.pid) ?? '' }
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify(own) + '\n', { mode: 0o600, flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const owner = readOwner(file)
    if (owner && processIdentity(owner.pid) === owner.identity)
      throw new Error(
        `rekey dev already runs on ${folder} as process ${owner.pid}: end that one, or give another --data-dir`,
      )
    rmSync(file, { force: true })
  }
}

function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner
  } catch {
    // Gone meanwhile, or cut off by a crash while it was written.
    return undefined
  }
}
