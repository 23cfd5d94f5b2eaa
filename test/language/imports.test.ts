import { describe, expect, it } from 'vitest'
import { run, values } from './support.ts'

const BASE = values('db: {host: db1, port: 5432}\nlist: [1, 2]\nonly: base')

describe('merging', () => {
  const cases: [name: string, text: string, environments: Record<string, string>, expected: unknown][] = [
    [
      'objects merge, arrays and scalars replace',
      'imports: [base]\nvalues: {db: {host: db2}, list: [3]}',
      { base: BASE },
      { db: { host: 'db2', port: 5432 }, list: [3], only: 'base' },
    ],
    [
      'later imports beat earlier ones',
      'imports: [base, over]\nvalues: {}',
      { base: BASE, over: values('db: {port: 1}\nonly: over') },
      { db: { host: 'db1', port: 1 }, list: [1, 2], only: 'over' },
    ],
    [
      'null replaces and hides what lies deeper',
      'imports: [base, over]\nvalues: {db: {x: 1}}',
      { base: BASE, over: values('db: null') },
      { db: { x: 1 }, list: [1, 2], only: 'base' },
    ],
    [
      'merge: false is only for references',
      'imports: [{base: {merge: false}}]\nvalues: {a: "${imports.base.db.port}"}',
      { base: BASE },
      { a: 5432 },
    ],
    [
      'a reference falls back to the import',
      'imports: [base]\nvalues: {db: {host: x}, p: "${db.port}", o: "${only}"}',
      { base: BASE },
      { db: { host: 'x', port: 5432 }, list: [1, 2], only: 'base', o: 'base', p: 5432 },
    ],
    [
      'a reference merges with what it overrides',
      'imports: [base]\nvalues: {a: {z: 1}, db: "${a}"}',
      { base: BASE },
      { a: { z: 1 }, db: { host: 'db1', port: 5432, z: 1 }, list: [1, 2], only: 'base' },
    ],
    [
      'names with a version go to the host as they are',
      'imports: [p/e@3, p/e@stable]\nvalues: {a: "${imports[\\"p/e@3\\"].v}"}',
      { 'p/e@3': values('v: three'), 'p/e@stable': values('v: stable') },
      { a: 'three', v: 'stable' },
    ],
    [
      'an environment by its name in a reference',
      'values: {a: "${environments.p.e.v}", b: "${environments.p[\\"e@2\\"].v}"}',
      { 'p/e': values('v: latest'), 'p/e@2': values('v: two') },
      { a: 'latest', b: 'two' },
    ],
  ]
  it.each(cases)('%s', async (_name, text, environments, expected) => {
    const { values: result, problems } = await run('open', text, { environments })
    expect(problems).toEqual([])
    expect(result).toEqual(expected)
  })

  it('keeps the overridden value in the trace', async () => {
    const { evaluation } = await run('open', 'imports: [base]\nvalues: {db: {host: db2}}', {
      environments: { base: BASE },
    })
    const db = evaluation.environment!.properties['db']!
    expect(db).toMatchObject({
      trace: { def: { environment: 'app/prod' }, base: { trace: { def: { environment: 'base' } } } },
      value: {
        host: { value: 'db2', trace: { base: { value: 'db1' } } },
        port: { trace: { def: { environment: 'base' } } },
      },
    })
  })
})

describe('what can be wrong with an import', () => {
  it('is missing', async () => {
    const { values: result, problems } = await run(
      'open',
      'imports: [nope, base]\nvalues: {a: "${imports.nope.x}"}',
      {
        environments: { base: BASE },
      },
    )
    expect(problems).toEqual(['1:11 environment "nope" not found', '2:13 unknown property "nope"'])
    expect(result).toMatchObject({ a: '[unknown]', only: 'base' })
  })

  it('is no definition: reported in its own text, and skipped', async () => {
    const {
      problems,
      diagnostics,
      values: result,
    } = await run('open', 'imports: [bad]\nvalues: {a: 1}', {
      environments: { bad: 'values: []' },
    })
    expect(problems).toEqual(['1:9 values must be an object'])
    expect(diagnostics[0]!.range!.environment).toBe('bad')
    expect(result).toEqual({ a: 1 })
  })

  it('imports itself, directly and around corners', async () => {
    const environments = { a: 'imports: [b]\nvalues: {a: 1}', b: 'imports: [a]\nvalues: {b: 2}' }
    const { problems, values: result } = await run('open', 'imports: [a, me]\nvalues: {c: 3}', {
      environments,
      name: 'me',
    })
    expect(problems).toEqual(['1:11 cyclic import of a', '1:14 cyclic import of me'])
    expect(result).toEqual({ a: 1, b: 2, c: 3 })
  })

  it('refers to itself', async () => {
    const { problems } = await run('open', values('a: "${environments.app.prod.b}"\nb: 1'))
    expect(problems).toEqual(['2:6 cyclic import of app/prod'])
  })

  it('is loaded and evaluated once, however often it is named', async () => {
    const environments = {
      base: values('x: {fn::open::echo: {a: 1}}'),
      mid: 'imports: [base]\nvalues: {y: "${environments.default.base.z}"}',
      'default/base': values('z: 1'),
    }
    const { host, problems } = await run('open', 'imports: [base, mid, base]\nvalues: {z: "${x.a}"}', {
      environments,
    })
    expect(problems).toEqual([])
    expect(host.log.toSorted()).toEqual(['load base', 'load default/base', 'load mid', 'open echo'])
  })

  it('has too large a closure', async () => {
    const environments: Record<string, string> = {}
    for (let index = 0; index < 200; index += 1)
      environments[`e${index}`] = `imports: [e${index + 1}]\nvalues: {a: 1}`
    environments['e200'] = values('z: 1')
    const { problems, values: result } = await run('open', 'imports: [e0]\nvalues: {b: 2}', { environments })
    expect(problems).toEqual(['1:11 an evaluation is limited to 128 environments'])
    expect(result).toEqual({ a: 1, b: 2 })
  })
})
