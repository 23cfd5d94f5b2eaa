import { Connection } from '@temporalio/client'
import pg from 'pg'
import { expect, test } from 'vitest'
import { freshDatabase, sharedTemporal, targetDatabase } from './servers.ts'

test('a fresh database is empty and is gone after drop, even with a session in it', async () => {
  const database = await freshDatabase()
  const client = new pg.Client({ connectionString: database.url })
  client.on('error', () => undefined)
  await client.connect()
  const { rows } = await client.query("select 1 from information_schema.tables where table_schema = 'public'")
  expect(rows).toEqual([])
  await database.drop()
  const late = new pg.Client({ connectionString: database.url })
  await expect(late.connect()).rejects.toMatchObject({ code: '3D000' })
  await client.end()
})

test('a target has a managing user that is no superuser and may change exactly the two users', async () => {
  const target = await targetDatabase()
  const [a, b] = target.rotated
  const manager = new pg.Client({ connectionString: target.url(target.managing) })
  await manager.connect()
  try {
    await manager.query(`alter role ${a.username} password 'new'`)
    await expect(manager.query(`alter role postgres password 'new'`)).rejects.toMatchObject({ code: '42501' })
    expect(await target.canLogIn(a)).toBe(false)
    expect(await target.canLogIn({ ...a, password: 'new' })).toBe(true)
    expect(await target.canLogIn(b)).toBe(true)
  } finally {
    await manager.end()
    await target.drop()
  }
  const left = await freshDatabase()
  const client = new pg.Client({ connectionString: left.url })
  await client.connect()
  const { rows } = await client.query('select 1 from pg_roles where rolname = any($1)', [
    [a.username, b.username],
  ])
  expect(rows).toEqual([])
  await client.end()
  await left.drop()
})

test('the shared Temporal answers', async () => {
  const { address, namespace, taskQueue } = await sharedTemporal()
  expect((await sharedTemporal()).taskQueue).not.toBe(taskQueue)
  const connection = await Connection.connect({ address })
  const answer = await connection.workflowService.describeNamespace({ namespace })
  expect(answer.namespaceInfo?.name).toBe(namespace)
  await connection.close()
})
