/** What an example rotates at, on real servers: made as its page says, and its definitions pointed there. */
import pg from 'pg'
import { awsTarget } from '../support/aws.ts'
import { sharedPostgres } from '../support/servers.ts'
import type { Page } from './page.ts'

export interface ExampleTarget {
  /** The text of a definition, pointed at this target and changed in nothing else. */
  point(text: string): string
  /** Whether a credential, as the environment yields it, is let in. */
  logsIn(credential: Record<string, string>): Promise<boolean>
  dispose(): Promise<void>
}

/** By the rotator that an example calls. */
export const TARGETS: Record<string, (page: Page) => Promise<ExampleTarget>> = {
  postgres: postgresTarget,
  'aws-iam': iamTarget,
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
    async logsIn({ username, password: given }) {
      const client = new pg.Client({ host, port, user: username!, password: given!, database: database! })
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

async function iamTarget(): Promise<ExampleTarget> {
  const target = await awsTarget({ path: '/media/' })
  const { login, userArn } = target.inputs
  return {
    point: (text) =>
      text
        .replaceAll('arn:aws:iam::123456789012:user/media/uploader', userArn)
        .replaceAll('AKIAIOSFODNN7EXAMPLE', login.accessKeyId)
        .replaceAll('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', login.secretAccessKey),
    logsIn: ({ accessKeyId, secretAccessKey }) =>
      target.logsIn({ accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! }),
    dispose: () => target.dispose(),
  }
}
