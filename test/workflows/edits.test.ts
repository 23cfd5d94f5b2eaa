/** People edit while Rekey rotates: what must not be pulled away is refused, the rest is kept, no dead credential returns. */
import { afterAll, beforeAll, beforeEach, afterEach, expect, test, vi } from 'vitest'
import { cloneEnvironment } from '../../environments/clone.ts'
import { decryptDefinition } from '../../environments/decrypt.ts'
import { deleteEnvironment } from '../../environments/delete.ts'
import { limits } from '../../language/index.ts'
import type { Environment } from '../../store/environments.ts'
import { findEnvironment } from '../../store/environments.ts'
import { getRevision } from '../../store/revisions.ts'
import { gate, rotateCall, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

let line: Line
let target: TargetDatabase
let environment: Environment

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())
beforeEach(async () => {
  target = await targetDatabase()
  environment = await line.environment(`${rotatedDefinition(target)}  note: before\n`)
})
afterEach(() => target.drop())

async function edited(from: string | RegExp, to: string): Promise<number> {
  const { text } = await line.newest(environment)
  return await line.save(environment, text.replace(from, to))
}

test('an edit beside the call is kept, and the rotation is committed onto it', async () => {
  const { services, reached, open } = gate(line.activityServices, 'verified')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    await edited('note: before', 'note: meanwhile # mine')
    open()
    expect(await rotating).toMatchObject({ outcome: 'succeeded', baseRevision: 2, postRevision: 4 })
    expect((await line.newest(environment)).text).toContain('note: meanwhile # mine\n')
    expect(await target.canLogIn((await line.state(environment, 'db')).current!)).toBe(true)
  }, services)
})

test.each([
  ['changes it', /port: \d+/, 'port: 1'],
  ['moves it', /^ {2}db:/m, '  moved:'],
  ['removes it', /^ {2}db:[\s\S]*(?= {2}note:)/m, ''],
])('an edit that %s while the call is rotated is refused, and allowed afterwards', async (_, from, to) => {
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    await expect(edited(from, to)).rejects.toMatchObject({ name: 'Refusal', kind: 'conflict' })
    await expect(deleteEnvironment(line.services, { environment, login: 'ada' })).rejects.toMatchObject({
      name: 'Refusal',
      kind: 'conflict',
    })
    open()
    expect((await rotating).outcome).toBe('succeeded')
    expect(await edited(from, to)).toBe(4)
  }, services)
})

test('a call whose imported host changed meanwhile is a conflict; the new credential is kept and taken up', async () => {
  const hosts = await line.environment(`values:\n  port: ${target.port}\n`)
  await edited(/^values:/m, `imports:\n  - app/${hosts.name}\nvalues:`)
  await edited(/port: \d+/, 'port: ${port}')
  const { services, reached, open } = gate(line.activityServices, 'verified')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    await line.save(hosts, 'values:\n  port: 1\n')
    open()
    expect(await rotating).toMatchObject({
      outcome: 'failed',
      postRevision: null,
      rotations: [{ failureCode: 'CONFLICT' }],
    })
    await line.save(hosts, `values:\n  port: ${target.port}\n`)
    const before = await target.admin('select rolpassword from pg_authid where rolname = $1', [
      target.rotated[0].username,
    ])
    expect((await line.rotate(environment)).outcome).toBe('succeeded')
    expect(
      await target.admin('select rolpassword from pg_authid where rolname = $1', [
        target.rotated[0].username,
      ]),
    ).toEqual(before)
    expect(await target.canLogIn((await line.state(environment, 'db')).current!)).toBe(true)
  }, services)
})

test("a call whose imported users changed before it began touches nobody else's", async () => {
  const foreign = await targetDatabase()
  const owner = await line.environment(rotatedDefinition(foreign))
  const names = ({ database, managing, rotated: [first, second] }: TargetDatabase) => `values:
  database: ${database}
  manager: { username: ${managing.username}, password: { fn::secret: ${managing.password} } }
  users: { username1: ${first.username}, username2: ${second.username} }
`
  const imported = await line.environment(names(target))
  await line.save(
    environment,
    `imports: [app/${imported.name}]
values:
  db:
    fn::rotate::postgres:
      inputs:
        database:
          host: ${target.host}
          port: ${target.port}
          database: \${database}
          managingUser: \${manager}
        rotateUsers: \${users}
`,
  )
  await line.withWorker(() => line.rotate(owner))
  const { current } = await line.state(owner, 'db')
  const { services, reached, open } = gate(line.activityServices, 'plan: opened')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    await line.save(imported, names(foreign))
    open()
    expect(await rotating).toMatchObject({
      postRevision: null,
      rotations: [{ outcome: 'failed', step: 'planned', failureCode: 'CONFLICT' }],
    })
    expect(await foreign.canLogIn(current!)).toBe(true)
  }, services)
  await foreign.drop()
})

test('a call that was added while the others rotate is rotated when it is asked for', async () => {
  const added = await targetDatabase()
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const first = line.rotate(environment)
    await reached
    await edited(/$/, rotateCall('added', added))
    const asked = [line.rotate(environment, { paths: ['added'] }), line.rotate(environment)]
    await vi.waitFor(async () => expect(await line.requests(environment)).toHaveLength(3))
    open()
    expect((await first).rotations).toMatchObject([{ path: 'db', outcome: 'succeeded' }])
    expect((await asked[0]!).rotations).toContainEqual(
      expect.objectContaining({ path: 'added', outcome: 'succeeded' }),
    )
    expect((await asked[1]!).rotations).toContainEqual(
      expect.objectContaining({ path: 'added', outcome: 'succeeded' }),
    )
  }, services)
  await added.drop()
})

test('a definition without room for the new state is said to be so, and the credential is taken up later', async () => {
  const { text } = await line.newest(environment)
  const room = limits.textBytes - Buffer.byteLength(text)
  await line.save(environment, `${text}# ${'x'.repeat(room - 50)}\n`)
  await line.withWorker(async () => {
    const event = await line.rotate(environment)
    expect(event).toMatchObject({ postRevision: null, rotations: [{ failureCode: 'NOT_EVALUATED' }] })
    expect(event.rotations[0]!.message).toMatch(/credential is kept.*limited to \d+ bytes/)
    await line.save(environment, text)
    expect((await line.rotate(environment)).outcome).toBe('succeeded')
    expect(await target.canLogIn((await line.state(environment, 'db')).current!)).toBe(true)
  })
})

test('rolling back to any revision, also to one before the first rotation, keeps the newest credentials', async () => {
  await line.withWorker(async () => {
    for (let round = 0; round < 3; round += 1)
      expect((await line.rotate(environment)).outcome).toBe('succeeded')
    const newest = await line.state(environment, 'db')
    for (const number of [4, 3, 2]) {
      const revision = await getRevision(line.store.db, environment.id, number)
      await line.save(environment, revision!.text)
      expect(await line.state(environment, 'db')).toEqual(newest)
    }
    expect(await target.canLogIn(newest.current!)).toBe(true)
    expect((await line.rotate(environment)).outcome).toBe('succeeded')
  })
})

test('infrastructure code that applies its first version after every rotation, and during one, changes no credential', async () => {
  const first = `${rotatedDefinition(target)}  note: from code\n`
  await line.withWorker(async () => {
    for (let round = 0; round < 3; round += 1) {
      expect((await line.rotate(environment)).outcome).toBe('succeeded')
      const rotated = await line.state(environment, 'db')
      await line.save(environment, first)
      expect(await line.state(environment, 'db')).toEqual(rotated)
      expect(await target.canLogIn(rotated.current!)).toBe(true)
    }
  })
  const before = await line.state(environment, 'db')
  const { services, reached, open } = gate(line.activityServices, 'verified')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    await line.save(environment, first)
    expect(await line.state(environment, 'db')).toEqual(before)
    open()
    expect((await rotating).outcome).toBe('succeeded')
    expect((await line.state(environment, 'db')).previous).toEqual(before.current)
    await line.save(environment, first)
    const { current, previous } = await line.state(environment, 'db')
    for (const credential of [current!, previous!]) expect(await target.canLogIn(credential)).toBe(true)
  }, services)
})

test('a text that was read with its secrets in clear before a rotation, edited and saved after it, brings nothing back', async () => {
  await line.withWorker(async () => {
    await line.rotate(environment)
    const { text: shown } = await decryptDefinition(line.services, { environment, login: 'ada' })
    const old = (await line.state(environment, 'db')).current!
    expect(shown).toContain(old.password)
    await line.rotate(environment)
    await line.rotate(environment)
    const newest = await line.state(environment, 'db')
    await line.save(environment, shown.replace('note: before', 'note: edited'))
    expect(await line.state(environment, 'db')).toEqual(newest)
    const { text } = await line.newest(environment)
    expect(text).toContain('note: edited')
    for (const password of [old.password, newest.current!.password, target.managing.password])
      expect(text).not.toContain(password)
    expect((await line.rotate(environment)).outcome).toBe('succeeded')
    expect((await line.state(environment, 'db')).previous).toEqual(newest.current)
  })
})

test('a call that was removed and comes back, without its state, has the one of before and rotates on', async () => {
  await line.withWorker(async () => {
    await line.rotate(environment)
    await line.rotate(environment)
    const rotated = await line.state(environment, 'db')
    await line.save(environment, 'values:\n  note: nothing rotates\n')
    await line.save(environment, rotatedDefinition(target))
    expect(await line.state(environment, 'db')).toEqual(rotated)
    expect((await line.rotate(environment)).outcome).toBe('succeeded')
    const { previous } = await line.state(environment, 'db')
    expect(previous).toEqual(rotated.current)
    expect(await target.canLogIn(previous!)).toBe(true)
  })
})

test.each<[string, (third: string) => Promise<unknown>]>([
  ['names others beside it', (third) => edited(/username1: \S+/, `username1: ${third}`)],
  ['is moved', () => edited(/^ {2}db:/m, '  moved:')],
  [
    'was removed and comes back',
    async () => {
      await line.save(environment, 'values:\n  note: nothing rotates\n')
      await line.save(environment, rotatedDefinition(target))
    },
  ],
])('the user whose credential is published is rotated by nobody else when its call %s', async (_, edit) => {
  const third = `${target.database}_c`
  await target.admin(`create role ${third} login`)
  await line.withWorker(async () => {
    expect((await line.rotate(environment)).outcome).toBe('succeeded')
    const { current } = await line.state(environment, 'db')
    await edit(third)
    const users: [string, string] = [current!.username, third]
    const other = await line.environment(`values:\n${rotateCall('db', target, { users })}`)
    expect((await line.rotate(other)).rotations).toMatchObject([{ failureCode: 'TARGET_TAKEN' }])
    expect(await target.canLogIn(current!)).toBe(true)
  })
  await target.admin(`drop role ${third}`)
})

test('a clone keeps the call and loses the state in every revision, and may not rotate what is taken', async () => {
  await line.withWorker(async () => {
    await line.rotate(environment)
    const name = `${environment.name}-clone`
    await cloneEnvironment(line.services, {
      source: environment,
      target: { project: 'app', name },
      login: 'ada',
      preserveHistory: true,
    })
    const clone = (await findEnvironment(line.store.db, { organization: 'acme', project: 'app', name }))!
    for (let number = 2; number <= clone.newestRevision; number += 1)
      expect(await line.state(clone, 'db', number)).toEqual({ current: null, previous: null })
    expect((await line.rotate(clone)).rotations).toMatchObject([{ failureCode: 'TARGET_TAKEN' }])
    expect(await target.canLogIn((await line.state(environment, 'db')).current!)).toBe(true)
  })
})
