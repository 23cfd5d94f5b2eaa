/** What an example rotates at, on real servers: made as its page says, and its definitions pointed there. */
import pg from 'pg'
import type { LineApi } from '../server/line-api.ts'
import { sharedPostgres } from '../support/servers.ts'
import { iamTarget } from './aws-target.ts'
import { lambdaTarget } from './lambda-target.ts'
import { mysqlTarget } from './mysql-target.ts'
import type { Page } from './page.ts'
import type { ExampleTarget } from './target.ts'

/** By the rotator that an example calls, or the connector. */
export const TARGETS: Record<string, (page: Page, api: LineApi) => Promise<ExampleTarget>> = {
  postgres: postgresTarget,
  'aws-iam': iamTarget,
  awsLambda: lambdaTarget,
  mysql: mysqlTarget,
  password: generated(/^[A-Za-z0-9]{48}$/),
  passphrase: generated(/^[a-z]+(-[a-z]+){7,}$/),
}

/** There is nothing to be let in at: a value is good when it keeps the rules of the example. */
function generated(rule: RegExp): () => Promise<ExampleTarget> {
  return () =>
    Promise.resolve({
      point: (text) => text,
      logsIn: (value) => Promise.resolve(typeof value === 'string' && rule.test(value) ? true : undefined),
      dispose: () => Promise.resolve(),
    })
}

async function postgresTarget({ sql }: Page): Promise<ExampleTarget> {
  const { host, port, superuser, password } = await sharedPostgres()
  const names = (what: string) =>
    sql.flatMap((statement) => new RegExp(`^\\s*CREATE ${what} (\\w+)`).exec(statement)?.[1] ?? [])
  const [database] = names('DATABASE')
  const asSuperuser = async (statements: string[]) => {
    const client = new pg.Client({ host, port, user: superuser, password, database: 'postgres' })
    await client.connect()
    try {
      for (const statement of statements) await client.query(statement)
    } finally {
      await client.end()
    }
  }
  await asSuperuser(sql)
  return {
    point: (text) => text.replaceAll('db.example.com', host).replaceAll('port: 5432', `port: ${port}`),
    async logsIn(credential) {
      const { username, password: given } = credential as Record<string, string>
      if (username === undefined) return undefined
      const client = new pg.Client({ host, port, user: username, password: given!, database: database! })
      try {
        await client.connect()
        return true
      } catch (error) {
        if ((error as { code?: string }).code === '28P01') return false
        throw error
      } finally {
        await client.end()
      }
    },
    dispose: () =>
      asSuperuser([
        ...names('DATABASE').map((name) => `DROP DATABASE ${name} WITH (FORCE)`),
        `DROP ROLE ${names('ROLE').join(', ')}`,
      ]),
  }
}
