import { lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, expect, test } from 'vitest'
import { openTo, postgresBinaries, restoreLinks } from '../../embedded/postgres-binaries.ts'
import { databaseUser, firstBarrier } from '../../embedded/system-user.ts'
import { temporaryFolder } from './embedded-fixtures.ts'

test('the programs of this platform are found, and may be run', async () => {
  const binaries = await postgresBinaries(undefined)
  for (const file of Object.values(binaries)) expect(lstatSync(file).mode & 0o111).toBe(0o111)
})

test('library links that npm did not make are made, and those there are stay', async () => {
  const root = temporaryFolder('links')
  const lib = join(root, 'native', 'lib')
  mkdirSync(lib, { recursive: true })
  writeFileSync(join(lib, 'libpq.so.5.18'), 'library')
  symlinkSync('elsewhere', join(lib, 'libpq.so'))
  const links = ['libpq.so', 'libpq.so.5'].map((name) => ({
    source: 'native/lib/libpq.so.5.18',
    target: `native/lib/${name}`,
  }))
  writeFileSync(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(links))
  await Promise.all([restoreLinks(root), restoreLinks(root)])
  expect(readlinkSync(join(lib, 'libpq.so.5'))).toBe('libpq.so.5.18')
  expect(readlinkSync(join(lib, 'libpq.so'))).toBe('elsewhere')
})

// Only root runs the database as another user; for everybody else the programs stay where they are.
test('programs in a folder closed to the database’s user are run from a copy that nobody else can write', async () => {
  const closed = join(temporaryFolder('closed'), 'closed')
  const native = join(closed, 'native')
  mkdirSync(join(native, 'bin'), { recursive: true })
  writeFileSync(join(native, 'bin', 'postgres'), 'program', { mode: 0o755 })
  const user = await databaseUser(join(closed, 'data'))
  expect(await openTo(user, native)).toBe(native)

  mkdirSync(join(closed, 'inner'), { mode: 0o700 })
  const hidden = join(closed, 'inner', 'native')
  mkdirSync(join(hidden, 'bin'), { recursive: true })
  writeFileSync(join(hidden, 'bin', 'postgres'), 'hidden program', { mode: 0o755 })
  const usable = await openTo(user, hidden)
  if (!user) return expect(usable).toBe(hidden)
  onTestFinished(() => rmSync(usable, { recursive: true }))
  expect(usable).not.toBe(hidden)
  expect(await firstBarrier(user, join(usable, 'bin'))).toBeUndefined()
  expect(readFileSync(join(usable, 'bin', 'postgres'), 'utf8')).toBe('hidden program')
  expect(lstatSync(usable)).toMatchObject({ uid: 0 })
  expect(lstatSync(usable).mode & 0o022).toBe(0)
  expect(await openTo(user, hidden)).toBe(usable)
})
