/** Who reads an older revision is told when its credential has been replaced since, and nobody else is. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkDefinition } from '../../environments/check.ts'
import { openEnvironment } from '../../environments/open.ts'
import type { Environment } from '../../store/environments.ts'
import { createRevisionTag } from '../../store/revision-tags.ts'
import { definition, rotateCall, testEnvironments, type TestEnvironments } from '../support/environments.ts'

let at: TestEnvironments
let source: Environment

const credential = (name: string) => ({ username: 'app_a', password: `${name}-of-a-pinned-one` })
/** Revisions 2 to 5: rotated three times, `p1` to `p4`. */
beforeAll(async () => {
  at = await testEnvironments()
  source = await at.make('rotated')
  for (const [current, previous] of [
    ['p1', undefined],
    ['p2', 'p1'],
    ['p3', 'p2'],
    ['p4', 'p3'],
  ] as const) {
    const state = { current: credential(current), ...(previous && { previous: credential(previous) }) }
    await at.save(source, definition({ db: rotateCall({ host: 'pinned.example', state }) }))
  }
})
afterAll(() => at.store.close())

const text = (version: string) => definition({ url: '"${db.current.username}"' }, [`app/rotated${version}`])
const check = async (version: string, login = 'ada') =>
  (
    await checkDefinition(at.services, {
      organization: 'acme',
      text: text(version),
      login,
      showSecrets: false,
    })
  ).diagnostics
const open = async (environment: Environment, version?: string) =>
  (
    await openEnvironment(at.services, {
      environment,
      login: 'ada',
      durationMs: 60_000,
      ...(version !== undefined && { version }),
    })
  ).diagnostics

describe('a warning', () => {
  test.each([2, 3])(
    'tells of an import of revision %i, when it is opened and when it is checked',
    async (number) => {
      const environment = await at.make(`importer-${number}`, text(`@${number}`))
      const warnings = [await open(environment), await check(`@${number}`)]
      for (const diagnostics of warnings) {
        expect(diagnostics).toHaveLength(1)
        expect(diagnostics[0]).toMatchObject({ severity: 'warning' })
        expect(diagnostics[0]!.summary).toMatch(
          new RegExp(
            `^app/rotated@${number} has .* replaced since: db of revision ${number} is in revision 5`,
          ),
        )
        expect(JSON.stringify(diagnostics)).not.toContain('pinned-one')
      }
    },
  )
  test('tells of a tag that stayed behind, and of a revision that is opened itself', async () => {
    await createRevisionTag(at.store.db, {
      environmentId: source.id,
      name: 'stable',
      revision: 2,
      editor: 'ada',
    })
    expect(await check('@stable')).toMatchObject([{ severity: 'warning' }])
    expect(await open(source, '3')).toMatchObject([{ severity: 'warning' }])
  })
  test('tells of what an import imports', async () => {
    await at.make('between', definition({ x: '"${db.current.username}"' }, ['app/rotated@2']))
    const outer = await at.make('outer', definition({ y: '"${x}"' }, ['app/between']))
    expect(await open(outer)).toMatchObject([{ severity: 'warning' }])
  })
})

describe('no warning', () => {
  test.each(['', '@latest', '@5'])('where the newest is imported: "%s"', async (version) => {
    expect(await check(version)).toEqual([])
  })
  test('where the credential is previous by now, and still logs in', async () => {
    expect(await check('@4')).toEqual([])
    expect(await open(source, '4')).toEqual([])
  })
  test('where the call is gone: nothing has replaced what it held', async () => {
    const gone = await at.make('gone')
    await at.save(
      gone,
      definition({ db: rotateCall({ host: 'gone.example', state: { current: credential('g') } }) }),
    )
    await at.save(gone, definition({ nothing: '1' }))
    expect(await open(gone, '2')).toEqual([])
  })
  test('where a pinned revision has no credential', async () => {
    const plain = await at.make('plain', definition({ a: '1' }))
    await at.save(plain, definition({ a: '2' }))
    expect(await open(plain, '2')).toEqual([])
  })
})
