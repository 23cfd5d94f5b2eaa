import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../embedded/free-port.ts'
import { processIdentity } from '../../embedded/process-identity.ts'
import { startTemporal, type TemporalServer } from '../../embedded/temporal.ts'
import { killedParent, temporaryFolder } from './embedded-fixtures.ts'

async function inClient<T>(server: TemporalServer, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: server.address })
  try {
    return await work(new Client({ connection, namespace: server.namespace }))
  } finally {
    await connection.close()
  }
}

describe('on one database file', () => {
  const folder = temporaryFolder('temporal')
  const options = { databaseFile: join(folder, 'temporal.db'), namespace: 'rekey-test' }
  let server: TemporalServer

  beforeAll(async () => {
    server = await startTemporal(options)
    await inClient(server, (client) =>
      client.workflow.start('nobodyRunsIt', { workflowId: 'kept', taskQueue: 'nobody', args: [] }),
    )
  })
  afterAll(() => server.stop())

  const keptStatus = () =>
    inClient(server, async (client) => (await client.workflow.getHandle('kept').describe()).status.name)

  test('serves its pages, and logs ahead on its database', async () => {
    expect(server.uiUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const page = await fetch(server.uiUrl ?? '')
    expect(page.status).toBe(200)
    expect(existsSync(`${options.databaseFile}-wal`)).toBe(true)
  })

  test('is not started twice, and the first one is left alone', async () => {
    await expect(startTemporal(options)).rejects.toThrow(`already run by process ${process.pid}`)
    expect(await keptStatus()).toBe('RUNNING')
  })

  test('gives a step to another soon, however often its workers died with it', async () => {
    await inClient(server, async (client) => {
      const { workflowService, connection } = client
      const options = {
        workflowId: 'orphaned',
        taskQueue: 'dying',
        args: [],
        workflowTaskTimeout: '1s',
      } as const
      const { workflowId } = await client.workflow.start('diesEachTime', options)
      const namespace = server.namespace
      const taken = () =>
        connection.withDeadline(Date.now() + 40_000, () =>
          workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: options.taskQueue } }),
        )
      for (let attempt = 1; attempt <= 8; attempt += 1) {
        const { taskToken } = await taken()
        await workflowService.respondWorkflowTaskFailed({ namespace, taskToken })
      }
      expect((await taken()).attempt).toBe(9)
      // Whoever took it says nothing more. Without a limit of our own the next one would wait for 161 s.
      expect((await taken()).attempt).toBe(10)
      await client.workflow.getHandle(workflowId).terminate()
    })
  })

  test('stops cleanly, leaves no process, and keeps its state over a restart on given ports', async () => {
    await server.stop()
    expect(await server.exited).toEqual({ code: 0, signal: null, asked: true })
    expect(processIdentity(server.pid)).toBeUndefined()
    const [port, uiPort] = [await freePort(), await freePort()]
    server = await startTemporal({ ...options, port, uiPort })
    expect(server).toMatchObject({ address: `127.0.0.1:${port}`, uiUrl: `http://127.0.0.1:${uiPort}` })
    expect(await keptStatus()).toBe('RUNNING')
  })

  test('a killed parent’s server is ended, also after a death that nobody asked for', async () => {
    process.kill(server.pid, 'SIGKILL')
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL', asked: false })
    const orphan = await killedParent('../../embedded/temporal.ts', 'startTemporal', {
      ...options,
      uiPort: false,
    })
    expect(processIdentity(orphan)).toBeDefined()
    server = await startTemporal({ ...options, uiPort: false })
    expect(processIdentity(orphan)).toBeUndefined()
    expect(server.uiUrl).toBeUndefined()
    expect(await keptStatus()).toBe('RUNNING')
  })
})

test('a port that is taken is named', async () => {
  const folder = temporaryFolder('taken')
  const first = await startTemporal({ databaseFile: join(folder, 'a.db'), uiPort: false })
  const port = Number(first.address.split(':')[1])
  try {
    await expect(startTemporal({ databaseFile: join(folder, 'b.db'), port })).rejects.toThrow(`port ${port}`)
    await expect(startTemporal({ databaseFile: join(folder, 'b.db'), uiPort: port })).rejects.toThrow(
      `port ${port}`,
    )
  } finally {
    await first.stop()
  }
})

test('a file that is no database ends in an error that names the log, and leaves no process', async () => {
  const databaseFile = join(temporaryFolder('garbage'), 'temporal.db')
  writeFileSync(databaseFile, 'not a database, and long enough not to be taken for an empty one'.repeat(100))
  await expect(startTemporal({ databaseFile, uiPort: false })).rejects.toThrow(`see ${databaseFile}.log`)
  expect(readFileSync(`${databaseFile}.log`, 'utf8')).not.toBe('')
  expect(existsSync(`${databaseFile}.pid`)).toBe(false)
})
