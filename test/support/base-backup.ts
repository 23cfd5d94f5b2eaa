/** An online backup of a PostgreSQL server, by its low-level API and a copy of the data folder, as tools for it make one. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)

/**
 * Copies the running server's `dataDir` to `to`, with the password that `startPostgres` keeps beside it. `during` happens
 * while the copy is made. What is written there is in the backup or not; what was committed before is.
 */
export async function baseBackup(
  url: string,
  dataDir: string,
  to: string,
  during: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`select pg_backup_start('drill', fast => true)`)
    await run('cp', ['-a', dataDir, to])
    await during()
    const { rows } = await client.query<{ labelfile: string }>(
      'select labelfile from pg_backup_stop(wait_for_archive => false)',
    )
    // The log last: it must reach to the end of the backup. An archive holds it where there is one.
    await run('rm', ['-rf', join(to, 'pg_wal'), join(to, 'postmaster.pid'), join(to, 'postmaster.opts')])
    await run('cp', ['-a', join(dataDir, 'pg_wal'), join(to, 'pg_wal')])
    await writeFile(join(to, 'backup_label'), rows[0]!.labelfile)
    await run('chown', [`--reference=${dataDir}`, join(to, 'backup_label')])
    await run('cp', ['-a', `${dataDir}.password`, `${to}.password`])
  } finally {
    await client.end()
  }
}
