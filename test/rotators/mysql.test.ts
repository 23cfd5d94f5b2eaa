/** The rotator `mysql` under the contract, on a MariaDB. And where a server has no limit for what it is at, as MySQL has none. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { mysql } from '../../rotators/mysql.ts'
import { contractSuite } from './contract.ts'
import { NOTHING_YET, failureOf, limits } from './contract/bench.ts'
import { accounts } from './mysql/fixture.ts'
import { contractServer } from './mysql/own-server.ts'

let server: Awaited<ReturnType<typeof contractServer>>

beforeAll(async () => {
  server = await contractServer()
})
afterAll(() => server.stop())

contractSuite({
  rotator: mysql,
  setup: () => accounts(server),
  secretOf: (credential) => credential.password,
})

describe('a change that hangs at the server without end', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  /** Takes the server's own limits out of what is said to it; `leave` lets the clients go and keeps their sessions. */
  async function withoutLimits(): Promise<{ host: string; port: number; leave(): void }> {
    const clients = new Set<Socket>()
    const proxy = createServer((client) => {
      const behind = connect(server.port, server.host)
      clients.add(client)
      for (const socket of [client, behind]) socket.on('error', () => {})
      behind.on('data', (data) => client.writable && client.write(data)).on('close', () => client.destroy())
      client.on('data', (data) => {
        const text = data.toString('latin1')
        // Of the same length: messages begin with theirs.
        behind.write(
          text.replace(/(wait_timeout = )\d(?=\D)/g, '$19').replace(/(statement_time = )\d(?=\.)/, '$19'),
          'latin1',
        )
      })
      closing.push(() => behind.destroy())
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    closing.push(() => proxy.close())
    const leave = () => {
      for (const client of clients) client.destroy()
    }
    closing.push(leave)
    return { host: '127.0.0.1', port: (proxy.address() as AddressInfo).port, leave }
  }

  async function hanging(changeTimeout: number) {
    const fixture = await accounts(server)
    closing.push(() => fixture.dispose())
    const prepared = await mysql.prepare(fixture.inputs, NOTHING_YET, limits())
    // Of others it takes away what writing needs, and leaves them what looking needs.
    const { host, port, superuser: user, password } = server
    const holder = await createConnection({ host, port, user, password })
    closing.push(() => holder.destroy())
    await holder.query(`LOCK TABLES mysql.${server.mysql ? 'user' : 'global_priv'} READ`)
    const unblock = () => holder.query('UNLOCK TABLES')
    const way = await withoutLimits()
    const changing = `SELECT ID FROM information_schema.processlist WHERE INFO LIKE 'ALTER USER%${prepared.username}%'`
    const attempt = mysql.apply(fixture.via(way), prepared, limits({ changeTimeout }))
    attempt.catch(() => {})
    while ((await fixture.admin(changing)).length === 0) await sleep(20)
    return { fixture, prepared, unblock, way, changing, attempt }
  }

  test('whoever gives up waiting ends it there: it lands never', async () => {
    const { fixture, prepared, unblock, changing, attempt } = await hanging(700)
    await failureOf(attempt, 'TARGET_TIMEOUT', [...fixture.secrets, prepared.password])
    expect(await mysql.test(fixture.inputs, prepared, limits())).toBe('refused')
    expect(await fixture.admin(changing)).toEqual([])
    await unblock()
    expect(await mysql.test(fixture.inputs, prepared, limits())).toBe('refused')
  })

  test('of one that nobody waits for any more it is not said that it did not arrive, and nothing is sent beside it', async () => {
    const { fixture, prepared, unblock, way, changing, attempt } = await hanging(60_000)
    const ended = failureOf(attempt, ['TARGET_UNREACHABLE', 'TARGET_TIMEOUT'])
    way.leave()
    await ended
    const secrets = [...fixture.secrets, prepared.password]
    const asked = mysql.recover!(fixture.inputs, prepared, limits())
    const failure = await failureOf(asked, 'TARGET_TIMEOUT', secrets)
    expect(failure.message).toMatch(/still at an earlier change.*KILL/)
    await failureOf(mysql.apply(fixture.inputs, prepared, limits()), 'TARGET_THROTTLED', secrets)
    await unblock()
    while ((await fixture.admin(changing)).length > 0) await sleep(20)
    expect(await mysql.test(fixture.inputs, prepared, limits())).toBe('works')
  })
})
