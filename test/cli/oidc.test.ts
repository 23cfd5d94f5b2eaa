/** `rekey oidc`: an operator sees and replaces the keys of identity tokens. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshStore, type TestStore } from '../support/store.ts'
import { commandLine, type CommandLine } from './command-line.ts'

let store: TestStore
let cli: CommandLine
beforeAll(async () => {
  store = await freshStore()
  cli = await commandLine({ REKEY_DATABASE_URL: store.url, REKEY_KEY_FILE: store.keyFile })
})
afterAll(async () => {
  await cli.close()
  await store.close()
})

test('ls, rotate, rotate --revoke', async () => {
  expect((await cli.run(['oidc', 'ls'])).stderr).toContain('there are no keys yet')
  const first = await cli.run(['oidc', 'rotate', '--json'])
  expect(first.code).toBe(0)
  expect(JSON.parse(first.stdout).keys).toEqual([
    expect.objectContaining({ state: 'signs', signsUntil: null }),
  ])
  const listed = await cli.run(['oidc', 'ls'])
  expect(listed.stdout).toMatch(/KEY +USE +SIGNS FROM[^]* signs /)
  expect(listed.stderr).toContain('REKEY_OIDC_ISSUER is not set')

  // A second one waits for its time, and asking once more makes no third.
  for (let round = 0; round < 2; round += 1) {
    const { stdout } = await cli.run(['oidc', 'rotate', '--json'])
    const { keys } = JSON.parse(stdout)
    expect(keys.map(({ state }: { state: string }) => state)).toEqual(['signs', 'next'])
    expect(Date.parse(keys[1].signsFrom) - Date.now()).toBeGreaterThan(23 * 3_600_000)
    expect(stdout).not.toMatch(/"d"|private/)
  }
  const revoked = await cli.run(['oidc', 'rotate', '--revoke'])
  expect(revoked.code).toBe(0)
  expect(revoked.stdout).toMatch(/^Removed \S+, \S+\n/)
  const { keys } = JSON.parse((await cli.run(['oidc', 'ls', '--json'])).stdout)
  expect(keys).toEqual([expect.objectContaining({ state: 'signs' })])
  expect(JSON.parse(first.stdout).keys[0].id).not.toBe(keys[0].id)
  const { rows } = { rows: await store.db.selectFrom('audit_log').select(['actor', 'action']).execute() }
  expect(rows.filter(({ action }) => action.startsWith('oidc.'))).toEqual([
    { actor: 'operator', action: 'oidc.key.add' },
    { actor: 'operator', action: 'oidc.key.add' },
    { actor: 'operator', action: 'oidc.key.replace' },
  ])
})
