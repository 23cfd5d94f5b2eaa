import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectDatabase, type Database } from '../../store/database.ts'
import { levelOnOrganization } from '../../store/grants.ts'
import { migrate } from '../../store/migrate.ts'
import { authenticateToken } from '../../store/tokens.ts'
import { freshDatabase, type FreshDatabase } from '../support/servers.ts'
import { commandLine, type CommandLine } from './command-line.ts'

let database: FreshDatabase
let db: Database
let cli: CommandLine

beforeAll(async () => {
  database = await freshDatabase()
  db = connectDatabase(database.url)
  cli = await commandLine({ REKEY_DATABASE_URL: database.url })
})

afterAll(async () => {
  await cli.close()
  await db.destroy()
  await database.drop()
})

test('a store without a schema is told apart, and nobody gets in', async () => {
  const { code, stdout, stderr } = await cli.run(['admin', 'ada'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('rekey migrate')
})

test('a new store gets its first administrator, and whoever lost a token another one', async () => {
  await migrate(db)
  const tokens: string[] = []
  for (let time = 0; time < 2; time += 1) {
    const { code, stdout } = await cli.run(['admin', 'ada', '--org', 'acme'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^rkp_\S+\n$/)
    tokens.push(stdout.trim())
  }
  expect(new Set(tokens).size).toBe(2)
  for (const token of tokens) expect((await authenticateToken(db, token)).login).toBe('ada')
  expect(await levelOnOrganization(db, 'ada', 'acme')).toBe('admin')
  const audited = await db.selectFrom('audit_log').select(['actor', 'action', 'organization']).execute()
  expect(audited).toContainEqual({
    actor: 'system',
    action: 'administrator.appoint',
    organization: 'acme',
  })
})

test.each([
  [['admin', 'a b'], 'login'],
  [['admin', 'eve', '--org', 'x'], 'organization'],
])('%j is refused, and nothing is written', async (args, word) => {
  const { code, stdout, stderr } = await cli.run(args)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(word)
  expect(await db.selectFrom('users').select('login').where('login', '!=', 'ada').execute()).toEqual([])
})
