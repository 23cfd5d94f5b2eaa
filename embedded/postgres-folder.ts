/** Makes the data folder of the embedded PostgreSQL and its superuser's password; runs no server. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { firstBarrier, type SystemUser } from './system-user.ts'

const run = promisify(execFile)

export const SUPERUSER = 'postgres'

/** Makes the folder that will hold the data folder; as root, passable for the database's user if it is new. */
export async function makeHome(dataDir: string, user: SystemUser | undefined): Promise<void> {
  const home = dirname(dataDir)
  const first = await mkdir(home, { recursive: true, mode: 0o700 })
  if (!user) return
  if (first) for (let at = home; at.length >= first.length; at = dirname(at)) await chmod(at, 0o711)
  const barrier = await firstBarrier(user, home)
  if (barrier)
    throw new Error(
      `PostgreSQL runs as the system user "${user.name}", which may not pass through ${barrier}: ` +
        `run chmod o+x ${barrier}, or put the data folder elsewhere, or do not start as root`,
    )
}

/** The superuser's password; makes the database cluster first when there is none. A half-made one is made anew. */
export async function openFolder(
  dataDir: string,
  binaries: PostgresBinaries,
  user: SystemUser | undefined,
): Promise<string> {
  const passwordFile = join(dirname(dataDir), `${basename(dataDir)}.password`)
  const exists = await stat(join(dataDir, 'PG_VERSION')).catch(() => undefined)
  const kept = (await readFile(passwordFile, 'utf8').catch(() => '')).trim()
  if (exists) {
    if (!kept)
      throw new Error(`${passwordFile} is missing: put it back, or move ${dataDir} away to begin anew`)
    return kept
  }
  const password = kept || randomBytes(24).toString('base64url')
  if (!kept) await writeFile(passwordFile, password + '\n', { mode: 0o600 })
  await makeCluster(dataDir, password, binaries, user)
  return password
}

async function makeCluster(
  dataDir: string,
  password: string,
  binaries: PostgresBinaries,
  user: SystemUser | undefined,
): Promise<void> {
  // Made under another name and renamed when whole: a crash on the way leaves nothing that looks like a cluster.
  const draft = `${dataDir}.new`
  const handOver = `${dataDir}.initdb`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  try {
    await writeFile(handOver, password + '\n', { mode: 0o600 })
    if (user) for (const file of [draft, handOver]) await chown(file, user.uid, user.gid)
    const args = [
      ['--pgdata', draft],
      ['--username', SUPERUSER],
      ['--pwfile', handOver],
      ['--auth', 'scram-sha-256'],
      ['--encoding', 'UTF8'],
      // The same order and classes of characters on every machine, whatever its C library and locales.
      ['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    ].flat()
    await run(binaries.initdb, args, {
      cwd: '/',
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      ...(user ? { uid: user.uid, gid: user.gid } : {}),
    })
    await rename(draft, dataDir)
  } catch (error) {
    const { stderr, code } = error as { stderr?: string; code?: string | number }
    const reason = stderr?.split('\n').find((line) => line.includes('error:')) ?? `initdb ended with ${code}`
    throw new Error(`PostgreSQL's data folder ${dataDir} cannot be made: ${reason.trim()}`)
  } finally {
    await rm(handOver, { force: true })
  }
}
