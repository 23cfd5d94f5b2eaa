/** Decides which system user a server runs as; PostgreSQL refuses root. Never changes an existing user. */
import { execFile } from 'node:child_process'
import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface SystemUser {
  name: string
  uid: number
  gid: number
}

const KNOWN_USERS = ['postgres', '_postgres', 'rekey-postgres']

/**
 * Who has to run the database: undefined means the present user will do. As root it is the owner of the existing data
 * folder, else an unprivileged user that is there already, else one that is made here.
 */
export async function databaseUser(dataDir: string): Promise<SystemUser | undefined> {
  const owner = await lstat(dataDir).catch(() => undefined)
  const self = process.getuid?.()
  if (self !== 0) {
    if (owner && owner.uid !== self)
      throw new Error(
        `${dataDir} belongs to another user (uid ${owner.uid}): start as that user or use another folder`,
      )
    return undefined
  }
  if (owner && owner.uid !== 0) return { name: `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid }
  for (const name of KNOWN_USERS) {
    const user = await lookUp(name)
    if (user) return user
  }
  return makeUser('rekey-postgres')
}

async function lookUp(name: string): Promise<SystemUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}

async function makeUser(name: string): Promise<SystemUser> {
  // The first is shadow-utils' (Debian, Fedora …), the second BusyBox's (Alpine).
  const ways: [string, string[]][] = [
    ['useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', name]],
    ['adduser', ['-S', '-D', '-H', '-s', '/bin/false', name]],
  ]
  for (const [command, args] of ways) {
    await run(command, args).catch(() => undefined)
    const user = await lookUp(name)
    if (user) return user
  }
  throw new Error(
    'PostgreSQL does not run as root: start as an ordinary user or make a system user named "postgres"',
  )
}

/** The first of the folder and its parents, from the top, that this user may not pass through. */
export async function firstBarrier(user: SystemUser, folder: string): Promise<string | undefined> {
  const chain: string[] = []
  for (let at = folder; ; at = dirname(at)) {
    chain.unshift(at)
    if (at === dirname(at)) break
  }
  // Asked of the system as that user, since mode bits alone do not tell (access lists, read-only mounts, groups).
  const script = 'for d; do [ -x "$d" ] || { printf %s "$d"; exit 0; }; done'
  const { stdout } = await run('/bin/sh', ['-c', script, 'sh', ...chain], {
    uid: user.uid,
    gid: user.gid,
    cwd: '/',
  })
  return stdout || undefined
}
