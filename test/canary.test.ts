/**
 * No secret that a rotation used is in clear in Temporal, in any table, in a log or in an error: all of them are read
 * and searched, in every encoding that would still be clear. The scan must find words that are there, or it is blind.
 */
import { sql } from 'kysely'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateCall, startLine, type Line } from './support/line.ts'
import { startProxy } from './support/proxy.ts'
import { targetDatabase, type TargetDatabase } from './support/servers.ts'

let line: Line
let target: TargetDatabase
let broken: TargetDatabase

beforeAll(async () => {
  line = await startLine()
  target = await targetDatabase()
  broken = await targetDatabase()
})
afterAll(async () => {
  await line.close()
  await target.drop()
  await broken.drop()
})

/** A text, and what it would be if it were base64 or hex of another one. */
function readings(text: string): string[] {
  const encoded = text.match(/[A-Za-z0-9+/_-]{16,}={0,2}/g) ?? []
  return [text, ...encoded.flatMap((part) => [decode(part, 'base64'), decode(part, 'hex')])]
}

function decode(text: string, encoding: 'base64' | 'hex'): string {
  return Buffer.from(text, encoding).toString('utf8')
}

function finds(haystack: string[], needle: string): boolean {
  return haystack.some((text) => readings(text).some((reading) => reading.includes(needle)))
}

async function everyTable(): Promise<string[]> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`.execute(
    line.store.db,
  )
  expect(tables.length).toBeGreaterThan(15)
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await sql<{ text: string }>`select t::text as text from ${sql.table(name)} t`.execute(
      line.store.db,
    )
    texts.push(...rows.map(({ text }) => text))
  }
  return texts
}

async function everyHistory(environmentIds: string[]): Promise<string[]> {
  const texts: string[] = []
  for (const id of environmentIds) {
    const runs = await line.store.db
      .selectFrom('rotation_events')
      .select(['workflow_id', 'run_id'])
      .where('environment_id', '=', id)
      .execute()
    for (const { workflow_id, run_id } of runs) {
      const handle = line.on.client.workflow.getHandle(workflow_id, run_id)
      texts.push(
        historyToJSON(await handle.fetchHistory()),
        JSON.stringify(await handle.describe(), replacer),
      )
    }
  }
  return texts
}

const replacer = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

test('a rotation that succeeds, one that fails and one in doubt leave no secret in clear anywhere', async () => {
  const proxy = await startProxy(target)
  const typed = 'canary-typed-in-clear'
  const wrong = { ...broken.managing, password: 'canary-wrong-password' }
  const text = `values:
  own:
    fn::secret: ${typed}
${rotateCall('good', target, proxy)}${rotateCall('broken', broken, { managing: wrong }).replace(
    `username: ${wrong.username}`,
    `username: { fn::secret: ${wrong.username} }`,
  )}`
  const secrets = new Set([typed, wrong.username, wrong.password, target.managing.password])
  const messages: string[] = []
  const environment = await line.withWorker(async () => {
    const made = await line.environment(text)
    for (let round = 0; round < 3; round += 1) {
      const event = await line.rotate(made)
      messages.push(JSON.stringify(event))
      const { current } = await line.state(made, 'good')
      secrets.add(current!.password)
    }
    let cut = false
    proxy.cutAfter((chunk) => (cut ||= chunk.includes('ALTER ROLE')))
    messages.push(JSON.stringify(await line.rotate(made, { paths: ['good'] })))
    proxy.relay()
    messages.push(JSON.stringify(await line.rotate(made, { paths: ['good'] })))
    secrets.add((await line.state(made, 'good')).current!.password)
    return made
  })
  await proxy.close()
  expect(secrets.size).toBe(8)

  const places = {
    tables: await everyTable(),
    Temporal: await everyHistory([environment.id]),
    logs: line.logged,
    answers: messages,
  }
  const present = {
    tables: target.database,
    Temporal: environment.id,
    logs: 'level',
    answers: 'OUTCOME_UNKNOWN',
  }
  for (const [place, texts] of Object.entries(places)) {
    expect(
      finds(texts, present[place as keyof typeof present]),
      `the scan of ${place} sees what is there`,
    ).toBe(true)
    for (const secret of secrets) expect(finds(texts, secret), `a secret in ${place}`).toBe(false)
  }
}, 60_000)

test('the scan finds a secret in clear, in base64 and in hex', () => {
  const secret = 'canary-typed-in-clear'
  for (const text of [
    secret,
    Buffer.from(`x${secret}`).toString('base64'),
    Buffer.from(secret).toString('hex'),
  ])
    expect(finds([`{"data":"${text}"}`], secret)).toBe(true)
})
