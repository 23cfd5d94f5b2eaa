/** What our connector function is told and what of its answers is repeated: no password that is none of its business, and none at all. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { DatabaseUserInputs } from '../../../rotators/database/schema.ts'
import { connectorTarget, stopLambda, type ConnectorTarget } from '../../support/lambda/target.ts'
import { NOTHING_YET, limits } from '../contract/bench.ts'
import { postgresFixture } from '../postgres/fixture.ts'
import { connectedRotator, type DatabaseFixture } from './fixture.ts'

const postgres = connectedRotator('postgres')
let fixture: DatabaseFixture
let target: ConnectorTarget
let inputs: DatabaseUserInputs

beforeAll(async () => {
  fixture = await postgresFixture()
  target = await connectorTarget('ours')
  inputs = target.through(fixture.inputs)
})
afterEach(() => {
  target.called.answer = undefined
  target.called.events.length = 0
})
afterAll(async () => {
  await fixture?.dispose()
  await stopLambda()
})

test('it hears no published password, and of a refused one only whose it is', async () => {
  const { username1, username2 } = inputs.rotateUsers
  const state = {
    current: { username: username2, password: 'published-current' },
    previous: { username: username1, password: 'published-previous' },
  }
  expect((await postgres.prepare(inputs, state, limits())).username).toBe(username1)
  expect((await postgres.rehearse!(inputs, state, limits({ sendBy: 0 }))).writes).toContain(username1)
  await postgres.whyRefused!(inputs, { username: username1, password: 'just-refused' }, limits())
  expect(target.called.events).toHaveLength(6)
  expect(JSON.stringify(target.called.events)).not.toMatch(/published|just-refused/)
})

test('words of its own are repeated without the secrets that it was told', async () => {
  const { password } = inputs.database.managingUser!
  const words = `connecting with ${password} went well`
  const clean = 'connecting with [secret] went well'
  target.called.answer = (event) => {
    const results: Record<string, unknown> = {
      prepare: { username: inputs.rotateUsers.username1, warnings: [words] },
      rehearse: { writes: words, first: [words], warnings: [words] },
      whyRefused: { words },
    }
    const result = results[String(event['action'])]
    if (result === undefined) return undefined
    const body = JSON.stringify({ code: 200, message: 'ok', rekey: { result } })
    return { status: 200, headers: { 'x-amzn-requestid': 'one' }, body }
  }
  const warned: string[] = []
  await postgres.prepare(inputs, NOTHING_YET, { ...limits(), warn: (text) => warned.push(text) })
  expect(warned).toEqual([clean])
  const rehearsal = await postgres.rehearse!(inputs, NOTHING_YET, limits({ sendBy: 0 }))
  expect(rehearsal).toEqual({ writes: clean, first: [clean], warnings: [clean] })
  const refused = { username: inputs.rotateUsers.username1, password: 'just-refused' }
  expect(await postgres.whyRefused!(inputs, refused, limits())).toBe(clean)
})

test('of words without end the beginning is repeated, and no part of a secret', async () => {
  const { password } = inputs.database.managingUser!
  const endless = `${'x'.repeat(3_991)} ${password} ${'y'.repeat(5_000)}`
  const body = (rekey: object) => JSON.stringify({ code: 400, message: 'x', rekey })
  const answer = (rekey: object) =>
    (target.called.answer = (event) =>
      event['action'] === 'about'
        ? undefined
        : { status: 200, headers: { 'x-amzn-requestid': 'one' }, body: body(rekey) })
  const warned: string[] = []
  answer({ result: { username: inputs.rotateUsers.username1, warnings: [endless] } })
  await postgres.prepare(inputs, NOTHING_YET, { ...limits(), warn: (text) => warned.push(text) })
  expect(warned).toEqual([`${'x'.repeat(3_991)} [secret…`])
  answer({ failure: { code: 'TARGET_DENIED', words: endless.replace(password, 'grant it') } })
  const failed = postgres.prepare(inputs, NOTHING_YET, limits())
  await expect(failed).rejects.toThrow(`${'x'.repeat(3_991)} grant i…`)
})
