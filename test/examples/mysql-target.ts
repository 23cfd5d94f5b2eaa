/** A MariaDB of its own, prepared with the SQL of an example's page. */
import { createConnection } from 'mysql2/promise'
import { ownMariadb } from '../rotators/mysql/own-server.ts'
import { mariadbAdmin } from '../support/mariadb.ts'
import type { Page } from './page.ts'
import type { ExampleTarget } from './target.ts'

export async function mysqlTarget({ sql }: Page): Promise<ExampleTarget> {
  const server = await ownMariadb()
  const { host, port } = server
  await mariadbAdmin(server, sql)
  return {
    point: (text) => text.replaceAll('db.example.com', host).replaceAll('port: 3306', `port: ${port}`),
    async logsIn(credential) {
      const { username, password } = credential as Record<string, string>
      if (username === undefined) return undefined
      try {
        const connection = await createConnection({ host, port, user: username, password: password! })
        await connection.end()
        return true
      } catch (error) {
        if ((error as { code?: string }).code === 'ER_ACCESS_DENIED_ERROR') return false
        throw error
      }
    },
    dispose: () => server.stop(),
  }
}
