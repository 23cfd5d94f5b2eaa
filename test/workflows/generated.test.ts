/** Values that nothing outside knows, through the whole line: slots, one revision, retries, edits, going back, dry runs. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { rehearse } from '../../client/rehearsals.ts'
import { cloneEnvironment } from '../../environments/clone.ts'
import { openEnvironment, readSession } from '../../environments/open.ts'
import { listClaims } from '../../store/claims.ts'
import { dataKeyOf, type Environment } from '../../store/environments.ts'
import { listRotations } from '../../store/rotation-records.ts'
import { gate, rotatedDefinition, startLine, type Line } from '../support/line.ts'

vi.setConfig({ testTimeout: 60_000 })

const SIGNING = `values:
  signing: # of cookies
    fn::rotate::password:
      inputs: { length: 24, special: false, minNumeric: 3 }
`
const BOTH = `${SIGNING}  wireless:
    fn::rotate::passphrase:
      inputs: { separator: ' ' }
`

let line: Line

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())

const stateOf = async (environment: Environment, path = 'signing') =>
  (await line.state(environment, path)) as unknown as { current: string | null; previous: string | null }

/** What each row of the journal was about to make, in clear, oldest first; null where none was written down. */
async function preparedOf(environment: Environment): Promise<(string | null)[]> {
  const dataKey = await dataKeyOf(line.store.db, line.store.keeper, environment.id)
  const rows = await line.store.db
    .selectFrom('rotations')
    .select(['id', 'prepared', 'sent_until'])
    .where('environment_id', '=', environment.id)
    .orderBy('created_at')
    .execute()
  // Nothing was sent, so nothing can be in doubt.
  expect(rows.map(({ sent_until }) => sent_until)).toEqual(rows.map(() => null))
  return rows.map(({ id, prepared }) =>
    prepared === null ? null : (JSON.parse(dataKey.open('journal', id, prepared).toString()) as string),
  )
}

test('two paths are one revision; the newest two values are kept, sealed, and open as texts', async () => {
  await line.withWorker(async () => {
    const environment = await line.environment(BOTH)
    const seen: string[] = []
    for (const turn of [1, 2, 3]) {
      const event = await line.rotate(environment)
      expect(event).toMatchObject({ outcome: 'succeeded', postRevision: 2 + turn })
      expect(event.rotations.map(({ path, step, warnings }) => [path, step, warnings])).toEqual([
        ['signing', 'published', []],
        ['wireless', 'published', []],
      ])
      const { current, previous } = await stateOf(environment)
      expect(previous).toBe(seen.at(-1) ?? null)
      expect(current).toMatch(/^(?=(.*\d){3})[a-zA-Z0-9]{24}$/)
      seen.push(current!)
    }
    const wireless = await stateOf(environment, 'wireless')
    expect(wireless.current).toMatch(/^[a-z-]+( [a-z-]+){4}$/)
    const { text } = await line.newest(environment)
    expect(text).toContain('# of cookies')
    for (const value of [...seen, wireless.current!, wireless.previous!]) {
      expect(text).not.toContain(value)
      expect(line.logged.join()).not.toContain(value)
    }
    const who = { environment, login: 'ada' }
    const { sessionId } = await openEnvironment(line.services, { ...who, durationMs: 60_000 })
    const opened = await readSession(line.services, { ...who, sessionId, property: 'signing' })
    expect(JSON.parse(opened)).toMatchObject({
      value: {
        current: { value: seen[2], secret: true },
        previous: { value: seen[1], secret: true },
      },
    })
    expect(await listClaims(line.store.db, { organization: 'acme', login: 'ada' })).toEqual([])
  })
})

test('attempts that fail anywhere are made again with the same value, and one is published', async () => {
  // The first to come to each place fails there.
  const places = new Set([
    'prepare: written down',
    'apply: about to send',
    'apply: answered',
    'verify: new one works',
    'commit: text made',
  ])
  const at = async (place: string) => {
    if (places.delete(place)) throw new Error('lost')
  }
  const environments = await Promise.all([1, 2, 3].map(() => line.environment(SIGNING)))
  await line.withWorker(
    async () => {
      const events = await Promise.all(environments.map((environment) => line.rotate(environment)))
      expect(events.map(({ outcome, postRevision }) => [outcome, postRevision])).toEqual(
        events.map(() => ['succeeded', 3]),
      )
    },
    { ...line.activityServices, at },
  )
  expect([...places]).toEqual([])
  for (const environment of environments) {
    const { current, previous } = await stateOf(environment)
    expect({ prepared: await preparedOf(environment), previous }).toEqual({
      prepared: [current],
      previous: null,
    })
  }
})

test('one whose state was edited meanwhile is a conflict: its value is given to nobody, not adopted, and another is made', async () => {
  const environment = await line.environment(SIGNING)
  const { services, reached, open } = gate(line.activityServices, 'verified')
  await line.withWorker(async () => {
    const imported = await line.environment('values: { many: 24 }\n')
    const { text } = await line.newest(environment)
    await line.save(
      environment,
      `imports: [app/${imported.name}]\n${text.replace('length: 24', 'length: "${many}"')}`,
    )
    const rotating = line.rotate(environment)
    await reached
    await line.save(imported, 'values: { many: 4 }\n')
    open()
    const event = await rotating
    expect(event).toMatchObject({
      outcome: 'failed',
      postRevision: null,
      rotations: [{ failureCode: 'CONFLICT' }],
    })
    const { id } = event.rotations[0]!
    expect(await listRotations(line.store.db, { environmentId: environment.id, limit: 5 })).toEqual([])
    const adopted = await line.rotate(environment, { action: 'adopt', subject: { rotation: id } })
    expect(adopted).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('changed nothing') as string,
    })
    await line.save(imported, 'values: { many: 30 }\n')
    expect(await line.rotate(environment)).toMatchObject({ outcome: 'succeeded' })
    const { current } = await stateOf(environment)
    expect(current).toHaveLength(30)
    const [lost, made] = await preparedOf(environment)
    expect(made).toBe(current)
    expect(lost).not.toBe(current)
  }, services)
})

test('undo changes the two slots, forget empties them, and a stale editor brings no replaced value back', async () => {
  await line.withWorker(async () => {
    const environment = await line.environment(SIGNING)
    await line.rotate(environment)
    const stale = (await line.newest(environment)).text
    await line.rotate(environment)
    await line.rotate(environment)
    const before = await stateOf(environment)
    await line.save(environment, stale)
    expect(await stateOf(environment)).toEqual(before)
    await line.save(environment, SIGNING)
    expect(await stateOf(environment)).toEqual(before)

    const undone = await line.rotate(environment, { action: 'undo' })
    expect(undone).toMatchObject({ outcome: 'succeeded', rotations: [{ warnings: [] }] })
    expect(await stateOf(environment)).toEqual({ current: before.previous, previous: before.current })

    await line.rotate(environment, { action: 'forget', paths: ['signing'] })
    expect(await stateOf(environment)).toEqual({ current: null, previous: null })
    await line.rotate(environment)
    const after = await stateOf(environment)
    expect(after.previous).toBeNull()
    expect([before.current, before.previous]).not.toContain(after.current)
  })
})

test('a value that a person brings becomes previous, whatever the rules; a clone has none and makes its own', async () => {
  await line.withWorker(async () => {
    const environment = await line.environment(`${SIGNING}      state: { current: { fn::secret: mine } }\n`)
    await line.rotate(environment)
    const { current, previous } = await stateOf(environment)
    expect(previous).toBe('mine')
    const clone = await cloneEnvironment(line.services, {
      source: environment,
      login: 'ada',
      target: { project: 'app', name: `clone-${randomUUID().slice(0, 8)}` },
    })
    expect(await stateOf(clone)).toEqual({ current: null, previous: null })
    await line.rotate(clone)
    expect((await stateOf(clone)).current).not.toBe(current)
    expect(await stateOf(environment)).toEqual({ current, previous })
  })
})

test('a dry run tells how many values there are, makes none, and foretells what cannot work', async () => {
  await line.withWorker(async () => {
    const environment = await line.environment(BOTH)
    await line.rotate(environment, { paths: ['signing'] })
    const before = await line.newest(environment)
    const rows = await preparedOf(environment)
    const question = { environmentId: environment.id, login: 'ada', paths: null, force: false }
    const told = await rehearse(line.on, question, AbortSignal.timeout(30_000))
    expect(told.paths).toMatchObject([
      {
        path: 'signing',
        targets: [],
        expected: 'succeeded',
        isFirst: false,
        writes: 'a new password, one of 2^142',
        warnings: [],
      },
      { path: 'wireless', isFirst: true, writes: 'a new passphrase, one of 2^64', warnings: [] },
    ])
    expect(await line.newest(environment)).toEqual(before)
    expect(await preparedOf(environment)).toEqual(rows)
  })
})

test('inputs that allow no value are refused when they are saved', async () => {
  const environment = await line.environment(SIGNING)
  await expect(
    line.save(environment, SIGNING.replace('minNumeric: 3', 'minNumeric: 25')),
  ).rejects.toMatchObject({
    name: 'Refusal',
    kind: 'invalid',
    diagnostics: [{ summary: expect.stringContaining('ask for 25 characters, and length is 24') as string }],
  })
})

test('a call that becomes a generated value gives its targets back as soon as it is saved', async () => {
  await line.withWorker(async () => {
    const target = await line.target()
    const definition = rotatedDefinition(target)
    const environment = await line.environment(definition)
    await line.rotate(environment)
    await line.save(environment, SIGNING.replace('signing', 'db'))
    const other = await line.environment(definition)
    expect(await line.rotate(other)).toMatchObject({ outcome: 'succeeded' })
    expect(await line.rotate(environment)).toMatchObject({ outcome: 'succeeded' })
  })
})

test('minimum ages hold', async () => {
  const careful = {
    ...line.activityServices,
    limits: { ...line.activityServices.limits, minManualAge: 60_000 },
  }
  await line.withWorker(async () => {
    const environment = await line.environment(SIGNING)
    await line.rotate(environment)
    const { current } = await stateOf(environment)
    const again = await line.rotate(environment)
    expect(again.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'TOO_SOON' }])
    expect((await stateOf(environment)).current).toBe(current)
    expect(await line.rotate(environment, { force: true })).toMatchObject({ outcome: 'succeeded' })
  }, careful)
})
