/** Remembers whom `rekey login` logged in, in a file that only its owner may read. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from './failure.ts'

export interface StoredLogin {
  url: string
  token: string
  login: string
  organization?: string
}

/** Undefined when nobody is logged in. */
export function readLogin(configHome: string): StoredLogin | undefined {
  const file = fileIn(configHome)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new Failure(`${file} cannot be read (${code}): correct its permissions, or log in again`)
  }
  try {
    const stored = JSON.parse(text) as StoredLogin
    if (typeof stored.url === 'string' && typeof stored.token === 'string') return stored
  } catch {
    // Told below.
  }
  throw new Failure(`${file} is damaged: remove it and run "rekey login"`)
}

/** Where it was written. */
export function writeLogin(configHome: string, login: StoredLogin): string {
  const file = fileIn(configHome)
  mkdirSync(configHome, { recursive: true, mode: 0o700 })
  // Written beside and moved: nobody ever reads half of it, and an old file's wider mode does not stay.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, JSON.stringify(login, null, 2) + '\n', { mode: 0o600 })
  renameSync(draft, file)
  return file
}

export function removeLogin(configHome: string): void {
  rmSync(fileIn(configHome), { force: true })
}

function fileIn(configHome: string): string {
  return join(configHome, 'login.json')
}
