import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../embedded/free-port.ts'
import { type PostgresServer, startPostgres } from '../../embedded/postgres.ts'
import { processIdentity } from '../../embedded/process-identity.ts'
import { killedParent, temporaryFolder } from './embedded-fixtures.ts'

const settings = { fsync: 'off' }

async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

describe('on one data folder', () => {
  const folder = temporaryFolder('postgres')
  const dataDir = join(folder, 'data')
  let server: PostgresServer

  beforeAll(async () => {
    server = await startPostgres({ dataDir, settings })
    await server.createDatabase('kept')
    await rows(server.url('kept'), 'create table note as select 42 as answer')
  })
  afterAll(() => server.stop())

  test('listens on the loopback address only, without a socket file, and asks for the password', async () => {
    const [shown] = (await rows(
      server.url(),
      `select current_setting('listen_addresses') as listen, current_setting('unix_socket_directories') as socket,
       (select string_agg(distinct auth_method, ' ') from pg_hba_file_rules) as auth`,
    )) as Record<string, string>[]
    expect(shown).toEqual({ listen: '127.0.0.1', socket: '', auth: 'scram-sha-256' })
    const wrong = server.url().replace(server.password, 'wrong')
    await expect(rows(wrong, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  })

  test('keeps the password to its owner and statements out of the log', async () => {
    expect(statSync(`${dataDir}.password`).mode & 0o777).toBe(0o600)
    await expect(rows(server.url(), "select 'a secret'::int")).rejects.toThrow()
    expect(readFileSync(`${dataDir}.log`, 'utf8')).not.toMatch(/STATEMENT|select 'a secret'/)
  })

  test('says whether a database was new', async () => {
    expect(await server.createDatabase('with "quotes"')).toBe(true)
    expect(await server.createDatabase('with "quotes"')).toBe(false)
  })

  test('is not started twice, and the first one is left alone', async () => {
    const pidFile = readFileSync(`${dataDir}.pid`, 'utf8')
    await expect(startPostgres({ dataDir, settings })).rejects.toThrow(
      `already run by process ${process.pid}`,
    )
    expect(await rows(server.url('kept'), 'select answer from note')).toEqual([{ answer: 42 }])
    expect(readFileSync(`${dataDir}.pid`, 'utf8')).toBe(pidFile)
  })

  test('stops with a session open, leaves no process, and keeps its state over a restart on a given port', async () => {
    const idle = new pg.Client({ connectionString: server.url('kept') })
    idle.on('error', () => undefined)
    await idle.connect()
    await server.stop()
    expect(await server.exited).toEqual({ code: 0, signal: null, asked: true })
    expect(processIdentity(server.pid)).toBeUndefined()

    const { password } = server
    const port = await freePort()
    server = await startPostgres({ dataDir, port, settings })
    expect(server).toMatchObject({ port, password })
    expect(await rows(server.url('kept'), 'select answer from note')).toEqual([{ answer: 42 }])
  })

  test('a death that nobody asked for is reported, and the next start recovers', async () => {
    process.kill(server.pid, 'SIGKILL')
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL', asked: false })
    server = await startPostgres({ dataDir, settings })
    expect(await rows(server.url('kept'), 'select answer from note')).toEqual([{ answer: 42 }])
  })

  test.each(['with its pid file', 'without its pid file'])(
    'a killed parent’s server, %s, is ended',
    async (how) => {
      await server.stop()
      const orphan = await killedParent('../../embedded/postgres.ts', 'startPostgres', { dataDir, settings })
      expect(processIdentity(orphan)).toBeDefined()
      if (how.startsWith('without')) rmSync(`${dataDir}.pid`)
      server = await startPostgres({ dataDir, settings })
      expect(processIdentity(orphan)).toBeUndefined()
      expect(await rows(server.url('kept'), 'select answer from note')).toEqual([{ answer: 42 }])
    },
  )

  test('a pid file whose number now belongs to another process harms nobody', async () => {
    await server.stop()
    const record = { pid: process.pid, identity: 'an earlier one', owner: { pid: 1, identity: 'gone' } }
    writeFileSync(`${dataDir}.pid`, JSON.stringify(record))
    server = await startPostgres({ dataDir, settings })
    expect(JSON.parse(readFileSync(`${dataDir}.pid`, 'utf8'))).toMatchObject({ pid: server.pid })
  })

  test('a pid file cut off by a crash is no obstacle', async () => {
    await server.stop()
    writeFileSync(`${dataDir}.pid`, '{"pid":')
    server = await startPostgres({ dataDir, settings })
    expect(processIdentity(server.pid)).toBeDefined()
  })

  test('a lost or another cluster’s password is said, and nothing is left running', async () => {
    const { password } = server
    await server.stop()
    writeFileSync(`${dataDir}.password`, 'wrong\n')
    await expect(startPostgres({ dataDir, settings })).rejects.toThrow('password kept beside the data folder')
    rmSync(`${dataDir}.password`)
    await expect(startPostgres({ dataDir, settings })).rejects.toThrow(`${dataDir}.password is missing`)
    writeFileSync(`${dataDir}.password`, `${password}\n`)
    server = await startPostgres({ dataDir, settings })
  })
})

test('a port that is taken is named', async () => {
  const folder = temporaryFolder('taken')
  const first = await startPostgres({ dataDir: join(folder, 'a'), settings })
  try {
    const second = startPostgres({ dataDir: join(folder, 'b'), port: first.port, settings })
    await expect(second).rejects.toThrow(`port ${first.port}`)
  } finally {
    await first.stop()
  }
})

test('a setting that PostgreSQL refuses ends in its reason', async () => {
  const dataDir = join(temporaryFolder('setting'), 'data')
  await expect(startPostgres({ dataDir, settings: { max_connections: 'many' } })).rejects.toThrow(
    'max_connections',
  )
})

test('a cluster that was not finished is made anew', async () => {
  const folder = temporaryFolder('draft')
  const dataDir = join(folder, 'data')
  mkdirSync(`${dataDir}.new`)
  writeFileSync(join(`${dataDir}.new`, 'PG_VERSION'), '')
  const server = await startPostgres({ dataDir, settings })
  expect(await rows(server.url(), 'select 1 as one')).toEqual([{ one: 1 }])
  await server.stop()
})

test('a start that is given up leaves no process', async () => {
  const dataDir = join(temporaryFolder('abort'), 'data')
  const abort = new AbortController()
  const started = startPostgres({ dataDir, settings, signal: abort.signal })
  abort.abort(new Error('no longer wanted'))
  await expect(started).rejects.toThrow('no longer wanted')
  expect(() => statSync(`${dataDir}.pid`)).toThrow('ENOENT')
})

// An ordinary user's server runs as that user, which may pass wherever it can make a folder: there is no barrier then.
test('a folder that the database’s user may not pass through is named, with the remedy', async () => {
  const closed = join(temporaryFolder('closed'), 'closed')
  mkdirSync(closed, { mode: 0o700 })
  const started = startPostgres({ dataDir: join(closed, 'deep', 'data'), settings })
  if (process.getuid?.() === 0) {
    await expect(started).rejects.toThrow(`may not pass through ${closed}: run chmod o+x ${closed}`)
  } else {
    await (await started).stop()
  }
})
