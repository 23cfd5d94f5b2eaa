/** A MariaDB of a test file's own, for settings and plugins that would disturb others. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processIdentity } from '../../../embedded/process-identity.ts'
import { startMariadb } from '../../support/mariadb.ts'
import type { MariadbServer, SharedMariadb } from '../../support/mariadb.ts'

/**
 * For the contract: a MariaDB, or the MySQL that TEST_MYSQL_URL names (`mysql://<superuser>:<password>@127.0.0.1:<port>`),
 * where somebody has one.
 */
export async function contractServer(): Promise<SharedMariadb & { stop(): Promise<void> }> {
  const given = process.env.TEST_MYSQL_URL
  if (given === undefined) return await ownMariadb()
  const { hostname: host, port, username, password } = new URL(given)
  return {
    host,
    port: Number(port),
    superuser: decodeURIComponent(username),
    password: decodeURIComponent(password),
    mysql: true,
    stop: () => Promise.resolve(),
  }
}

export async function ownMariadb(
  settings: Record<string, string | undefined> = {},
): Promise<MariadbServer & { folder: string }> {
  // Named and signed so that the next test run ends this server if this one is killed (shared-servers.ts).
  const folder = mkdtempSync(join(tmpdir(), `rekey-test-${process.pid}-`))
  chmodSync(folder, 0o711)
  writeFileSync(join(folder, 'owner'), `${process.pid} ${processIdentity(process.pid)}`)
  const server = await startMariadb({ folder, settings })
  return {
    ...server,
    folder,
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
