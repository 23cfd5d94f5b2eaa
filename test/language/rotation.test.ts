import { describe, expect, it } from 'vitest'
import { calls, evaluateCall, load, rotate, toPlain, type Schema } from '../../language/index.ts'
import { problem, run, testHost, values, type HostOptions } from './support.ts'

const INPUTS: Schema = {
  type: 'object',
  properties: {
    user: { type: 'string' },
    admin: { type: 'object', properties: { token: { type: 'string' } } },
  },
  required: ['user', 'admin'],
  rotateOnly: ['admin'],
}
const STATE: Schema = {
  type: 'object',
  properties: { password: { type: 'string', secret: true } },
  required: ['password'],
}

function rotators(): HostOptions['rotators'] & object {
  let made = 0
  return {
    pg: {
      inputs: INPUTS,
      state: STATE,
      outputs: { type: 'object', properties: { password: { type: 'string' } } },
      open: (_inputs, state) => Promise.resolve(state ?? { value: { password: { value: 'none yet' } } }),
      rotate: () => {
        made += 1
        return Promise.resolve({ value: { password: { value: `made-${made}`, secret: true } } })
      },
    },
    broken: { rotate: () => Promise.reject(new Error('the database is away')) },
  }
}

const ENVIRONMENTS = { 'ops/pg': values('login: {fn::open::echo: {token: t0}}') }

const CREDENTIAL = `creds:
  fn::rotate::pg:
    inputs: {user: app, admin: "\${environments.ops.pg.login}"}
    state: {password: {fn::secret: old}}
url: "pg://\${creds.password}@db"
`

describe('check, open and rotate', () => {
  it('check loads what only a rotation needs, and opens nothing', async () => {
    const {
      values: result,
      problems,
      host,
    } = await run('check', values(CREDENTIAL), {
      environments: ENVIRONMENTS,
      rotators: rotators(),
    })
    expect(problems).toEqual([])
    expect(result).toEqual({ creds: '[unknown]', url: '[unknown]' })
    expect(host.log).toEqual(['load ops/pg'])
  })

  it('open does without what only a rotation needs', async () => {
    const { values: result, problems, host } = await run('open', values(CREDENTIAL), { rotators: rotators() })
    expect(problems).toEqual([])
    expect(result).toEqual({ creds: { password: 'old' }, url: 'pg://old@db' })
    expect(host.log).toEqual(['open pg creds'])
  })

  it('rotate needs it, and references see the new credential', async () => {
    const { values: result, host } = await run('rotate', values(CREDENTIAL), {
      environments: ENVIRONMENTS,
      rotators: rotators(),
    })
    expect(result).toEqual({ creds: { password: 'made-1' }, url: 'pg://made-1@db' })
    expect(host.log).toEqual(['load ops/pg', 'open echo', 'rotate pg creds', 'open pg creds'])
  })

  it.each(['check', 'open', 'rotate'] as const)('%s never resolves it in an import', async (mode) => {
    const { host, problems } = await run(mode, 'imports: [base]\nvalues: {a: 1}', {
      environments: { base: values(CREDENTIAL) },
      rotators: rotators(),
    })
    expect(problems).toEqual([])
    expect(host.log).toEqual(mode === 'check' ? ['load base'] : ['load base', 'open pg creds'])
  })

  it('check reports a managing environment that may not be read', async () => {
    const { problems } = await run('check', values(CREDENTIAL), { rotators: rotators() })
    expect(problems).toEqual(['4:34 environment "ops/pg" not found'])
  })

  it('reports wrong inputs and state where they are', async () => {
    const text = values('a:\n  fn::rotate::pg:\n    inputs: {user: 1}\n    state: {password: [x]}')
    expect((await run('check', text, { rotators: rotators() })).problems).toEqual([
      '4:22 expected string, got number',
      '4:15 missing required properties: admin',
      '5:25 expected string, got array',
      '5:14 expected null, got object',
      '5:14 exactly one subschema must match',
    ])
  })

  it.each([
    ['{fn::rotate::nope: {inputs: {}}}', '2:7 unknown rotator "nope"'],
    ['{fn::rotate: {inputs: {}}}', "2:20 missing provider name ('provider')"],
    ['{fn::rotate::pg: {}}', "2:24 missing provider inputs ('inputs')"],
    [
      '{fn::rotate::pg: 1}',
      "2:24 the argument to fn::rotate must be an object containing 'inputs' and 'state'",
    ],
    [
      '{fn::rotate: 1}',
      "2:20 the argument to fn::rotate must be an object containing 'provider', 'inputs' and 'state'",
    ],
    ['{fn::rotate::pg: {inputs: {}, state: null}}', '2:44 rotation state must be an object literal'],
    ['{fn::rotate::pg: {inputs: {}, state: "${x}"}}', '2:44 rotation state must be an object literal'],
  ])('%s', async (call, expected) => {
    expect((await run('check', `values:\n  a:  ${call}`, { rotators: rotators() })).problems).toContain(
      expected,
    )
  })
})

describe('a rotation', () => {
  const THREE = `a: {fn::rotate::broken: {inputs: {}}}
b: {fn::rotate: {provider: pg, inputs: {user: b, admin: {token: x}}}}
"c-d": [{fn::rotate::pg: {inputs: {user: "\${b.password}", admin: {token: x}}}}]
e: {fn::rotate::pg: {inputs: {user: "\${nope}", admin: {token: x}}}}
f: after
`

  it('goes on after one that fails, and says what became of each', async () => {
    const host = testHost({ rotators: rotators() })
    const { document } = load('e', values(THREE))
    const { rotations, diagnostics } = await rotate(document, host)
    expect(
      rotations.map(({ path, status, patch, diagnostics: inner }) => [
        path,
        status,
        patch?.docPath,
        inner.map(problem),
      ]),
    ).toEqual([
      ['values.a', 'failed', undefined, ['2:6 the database is away']],
      ['values.b', 'succeeded', 'values.b["fn::rotate"].state', []],
      ['values["c-d"][0]', 'succeeded', 'values["c-d"][0]["fn::rotate::pg"].state', []],
      ['values.e', 'not-evaluated', undefined, []],
    ])
    expect(diagnostics.map(problem)).toEqual([
      '2:6 rotate: the database is away',
      '5:39 unknown property "nope"',
    ])
    expect(host.log.filter((line) => line.startsWith('rotate'))).toEqual([
      'rotate broken a',
      'rotate pg b',
      'rotate pg ["c-d"][0]',
    ])
  })

  it.each([[['b']], [['["c-d"][0]']], [['["b"]', 'nothing.here']]])(
    'takes only the paths %j',
    async (paths) => {
      const { document } = load('e', values(THREE))
      const { rotations } = await rotate(document, testHost({ rotators: rotators() }), { paths })
      expect(rotations.map(({ path }) => path)).toEqual([
        paths[0] === '["c-d"][0]' ? 'values["c-d"][0]' : 'values.b',
      ])
    },
  )

  it('keeps its patch when opening the new credential fails', async () => {
    const host = testHost({ rotators: { r: { open: () => Promise.reject(new Error('cannot open')) } } })
    const { document } = load('e', values('a: {fn::rotate::r: {inputs: {}}}'))
    const { rotations, diagnostics } = await rotate(document, host)
    expect(rotations).toMatchObject([{ status: 'succeeded', patch: { replacement: { value: {} } } }])
    expect(diagnostics.map(problem)).toEqual(['2:6 cannot open'])
  })
})

describe('calls', () => {
  it('lists every call with what it needs, evaluating nothing', () => {
    const text = values(`admin: {fn::rotate::pg: {inputs: {user: a}, state: {password: x}}}
login: {fn::open::echo: {password: "\${admin.password}"}}
chain: "\${login.password}"
list:
  - deep: {fn::rotate: {provider: pg, inputs: {user: "\${chain}", other: "x\${list[1].user}"}}}
  - {user: "\${self}"}
self: {fn::rotate::pg: {inputs: {user: "\${self.user}"}}}
"odd key": {fn::rotate::pg: {inputs: "\${list}"}}
nameless: {fn::rotate: {inputs: {}}}`)
    const found = calls(load('e', text).document)
    expect(
      found.map(({ path, rotator, hasState, dependsOn }) => [path, rotator, hasState, dependsOn.sort()]),
    ).toEqual([
      ['admin', 'pg', true, []],
      ['list[0].deep', 'pg', false, ['admin', 'self']],
      ['self', 'pg', false, []],
      ['["odd key"]', 'pg', false, ['admin', 'list[0].deep', 'self']],
      ['nameless', '', false, []],
    ])
    expect(found[0]).toMatchObject({
      docPath: 'values.admin["fn::rotate::pg"].state',
      range: { environment: 'e', begin: { line: 2, column: 10 } },
      problems: [],
    })
  })

  it('marks a call inside the state of another, and duplicate keys', () => {
    const text = values(`a:
  fn::rotate::pg:
    inputs: {user: x, user: y}
    state: {inner: [{fn::rotate::pg: {inputs: {}, inputs: {}}}]}`)
    const found = calls(load('e', text).document)
    const inner = 'a["fn::rotate::pg"].state.inner[0]'
    expect(
      found.map(({ path, insideStateOf, problems }) => [path, insideStateOf, problems.map(problem)]),
    ).toEqual([
      [
        inner,
        'a',
        ['5:53 duplicate key "inputs"', '5:24 a rotation inside the state of "a" would be overwritten by it'],
      ],
      ['a', undefined, ['4:25 duplicate key "user"', '5:53 duplicate key "inputs"']],
    ])
  })

  it('knows nothing of dropped entries and of no document', () => {
    expect(calls(load('e', 'values: {a: 1, a: {fn::rotate::pg: {inputs: {}}}}').document)).toEqual([])
    expect(calls(null)).toEqual([])
  })
})

describe('evaluateCall', () => {
  const MANY = values(
    Array.from(
      { length: 50 },
      (_, index) => `c${index}:
  fn::rotate::pg:
    inputs: {user: u${index}, admin: {fn::open::echo: {token: "t${index}"}}}
    state: {password: {fn::secret: p${index}}}`,
    ).join('\n'),
  )

  it('evaluates the inputs and state of one call, and nothing else', async () => {
    const host = testHost({ rotators: rotators() })
    const { document } = load('e', `imports: [never/loaded]\n${MANY}`)
    const { inputs, state, diagnostics } = await evaluateCall(document, '["c7"]', host)
    expect(diagnostics).toEqual([])
    expect(toPlain(inputs)).toEqual({ user: 'u7', admin: { token: 't7' } })
    expect(toPlain(state!)).toEqual({ password: 'p7' })
    expect(state).toMatchObject({ value: { password: { secret: true } } })
    expect(host.log).toEqual(['open echo'])
  })

  it('opens other calls without what only their rotation needs', async () => {
    const host = testHost({ rotators: rotators() })
    const text = `${CREDENTIAL}other:\n  fn::rotate::pg: {inputs: {user: "\${creds.password}", admin: {token: x}}}\n`
    const { inputs, state, diagnostics } = await evaluateCall(load('e', values(text)).document, 'other', host)
    expect(diagnostics).toEqual([])
    expect(inputs).toMatchObject({ value: { user: { value: 'old', secret: true } } })
    expect(state).toBeNull()
    expect(host.log).toEqual(['open pg creds'])
  })

  it('loads imports only for references that may need them', async () => {
    const environments = { base: values('user: from-base') }
    const text = `imports: [base]\n${values('a: {fn::rotate::pg: {inputs: {user: "${user}", admin: {token: x}}}}')}`
    const host = testHost({ environments, rotators: rotators() })
    const { inputs } = await evaluateCall(load('e', text).document, 'a', host)
    expect(toPlain(inputs)).toMatchObject({ user: 'from-base' })
    expect(host.log).toEqual(['load base'])
  })

  it.each([
    [
      'a',
      'a: {fn::rotate::pg: {inputs: {user: "${a.password}", admin: {token: x}}}}',
      ['2:6 cyclic reference to a'],
    ],
    ['b', 'a: {fn::rotate::pg: {inputs: {}}}', ['"b" names no fn::rotate call']],
    ['a', 'a: {fn::rotate::nope: {inputs: {}}}', ['2:6 unknown rotator "nope"']],
    ['a', 'a: {fn::rotate: {inputs: {}}}', ['2:6 the call names no rotator']],
    [
      'a',
      'a: {fn::rotate::pg: {inputs: {user: 1}, state: {}}}',
      [
        '2:39 expected string, got number',
        '2:32 missing required properties: admin',
        '2:50 missing required properties: password',
      ],
    ],
    [
      'a',
      'a: {fn::rotate::pg: {inputs: {user: x, user: y, admin: {token: x}}}}',
      ['2:42 duplicate key "user"'],
    ],
    ['a', 'a: {fn::rotate::any: {inputs: "${environments.x}"}}', ['2:33 inputs could not be evaluated']],
    ['a', 'a: {fn::rotate::any: {inputs: [1]}}', ['2:33 inputs must be an object']],
  ])('says what is wrong with %s of %s', async (path, text, problems) => {
    const host = testHost({ rotators: { ...rotators(), any: {} } })
    const { diagnostics } = await evaluateCall(load('e', values(text)).document, path, host)
    expect(diagnostics.map(problem)).toEqual(problems)
  })
})
