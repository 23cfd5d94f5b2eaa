import { describe, expect, it } from 'vitest'
import { load, open, sealSecrets, toJSON } from '../../language/index.ts'
import { conceal, problem, run, testHost, values } from './support.ts'

describe('scalars', () => {
  const cases: [source: string, value: string][] = [
    ['', 'null'],
    ['~', 'null'],
    ['Null', 'null'],
    ['true', 'true'],
    ['FALSE', 'false'],
    ['yes', '"yes"'],
    ['on', '"on"'],
    ['0x1F', '31'],
    ['0o14', '12'],
    ['010', '8'],
    ['08', '8'],
    ['0b11', '3'],
    ['1_000', '1000'],
    ['+7', '7'],
    ['-0', '0'],
    ['1e3', '1000'],
    ['1.50', '1.5'],
    ['1.0', '1'],
    ['999999.5', '999999.5'],
    ['1000000.5', '1.0000005e+06'],
    ['1_000_000.0', '1e+06'],
    ['0.0001', '0.0001'],
    ['0.00001', '1e-05'],
    ['18446744073709551615', '18446744073709551615'],
    ['18446744073709551616', '1.8446744073709552e+19'],
    ['1e400', '"1e400"'],
    ['.5', '0.5'],
    ['1.', '1'],
    ['2024-01-01', '"2024-01-01"'],
    ['12:30', '"12:30"'],
    ['1.2.3', '"1.2.3"'],
    ['"42"', '"42"'],
    ["'true'", '"true"'],
    ['!!str 42', '"42"'],
    ['!x 42', '"42"'],
    ['&a b', '"b"'],
    ['!!int 0x10', '16'],
    ['[1, a, {b: c}]', '[1,"a",{"b":"c"}]'],
    ['"\\u0041\\n"', '"A\\n"'],
  ]
  it.each(cases)('reads %s as %s', async (source, value) => {
    const { evaluation } = await run('open', `values:\n  a: ${source}\n`)
    expect(toJSON(evaluation.environment, { redact: false })).toBe(`{"a":${value}}`)
  })

  it('reads block scalars', async () => {
    const text = 'values:\n  a: |\n    x\n    y\n  b: >-\n    x\n    y\n'
    expect((await run('open', text)).values).toEqual({ a: 'x\ny\n', b: 'x y' })
  })

  it('reads only the first document', async () => {
    expect((await run('open', 'values: {a: 1}\n---\n]')).values).toEqual({ a: 1 })
  })
})

describe('texts that are no definition', () => {
  const cases: [name: string, text: string, problems: string[]][] = [
    ['a comment', '# nothing', ['environment must be an object']],
    ['a scalar', 'hello', ['1:1 environment must be an object']],
    ['a list', '- a', ['1:1 environment must be an object']],
    [
      'wrong text after the end',
      'values: {a: 1}\n]',
      ['yaml: line 2, column 1: Unexpected flow-seq-end token in YAML stream'],
    ],
    ['an alias', 'values: {a: &x 1, b: *x}', ['1:22 alias nodes are not supported']],
    ['a number as key', 'values: {1: a}', ['1:10 mapping keys must be strings']],
    ['a wrong tag', 'values: {a: !!int foo}', ['1:13 cannot decode this text as !!int']],
    ['a list of values', 'values: [a]', ['1:9 values must be an object']],
    ['no list of imports', 'imports: a', ['1:10 imports must be a list']],
    ['a number as description', 'description: 1', ['1:14 description must be a string']],
    [
      'an unknown field',
      'valuess: {}',
      [
        "1:1 warning: Field 'valuess' does not exist on Object 'environment'. Existing fields are: 'values', 'imports', 'description'",
      ],
    ],
    ['a field twice', 'values: {a: 1}\nvalues: {b: 2}', ['2:1 warning: duplicate key "values"']],
    [
      'a call at the top',
      'values: {fn::secret: a}',
      ['1:10 builtin function call "fn::secret" not allowed at the top level'],
    ],
    ['reserved keys', 'values: {imports: 1}', ['1:10 "imports" is a reserved key']],
    [
      'duplicate keys',
      'values: {a: 1, b: {c: 1, c: 2}, a: 2}',
      ['1:26 duplicate key "c"', '1:33 duplicate key "a"'],
    ],
    [
      'imports of other kinds',
      'imports: [1, {a: null}, {b: {merge: 1}}, {}]',
      [
        '1:11 import must be a string or an object',
        '1:18 import must be an object',
        '1:37 merge must be a boolean value',
        '1:42 import must have a single key',
        '1:15 environment "a" not found',
        '1:26 environment "b" not found',
      ],
    ],
  ]
  it.each(cases)('%s', async (_name, text, problems) => {
    expect((await run('check', text)).problems).toEqual(problems)
  })

  it('says where the YAML is wrong', () => {
    const { document, diagnostics } = load('e', 'values:\n  a: [1\n  b: 2\n')
    expect(document).toBeNull()
    expect(diagnostics).toHaveLength(1)
    expect(diagnostics[0]!.summary).toMatch(/^yaml: line \d+, column \d+: /)
    expect(diagnostics[0]!.range).toBeUndefined()
  })

  it.each(['a: |hunter2', 'a: "\\qhunter2"', 'a: !!int hunter2', '@hunter2', 'a: "x"hunter2'])(
    'quotes nothing of %s',
    (text) => {
      const { diagnostics } = load('e', text)
      expect(diagnostics).toHaveLength(1)
      expect(diagnostics[0]!.summary).not.toMatch(/hunt|\\\\/)
    },
  )

  it('takes zero bytes for an empty definition, which has no environment', async () => {
    for (const text of ['', 'values: {}', 'imports: []']) {
      const { document, diagnostics } = load('e', text)
      expect(diagnostics).toEqual([])
      expect(document).not.toBeNull()
      expect(await open(document, testHost())).toEqual({ environment: null, diagnostics: [] })
    }
  })

  it('keeps the last of repeated fields and the first of repeated values', async () => {
    expect((await run('open', 'values: {a: 1}\nVALUES: {b: 2, b: 3}')).values).toEqual({ b: 2 })
  })
})

describe('limits', () => {
  const nested = (levels: number): [string, string][] => [
    ['flow', `values: {a: ${'['.repeat(levels)}${']'.repeat(levels)}}`],
    ['flow mappings', `values: ${'{a: '.repeat(levels)}1${'}'.repeat(levels)}`],
    [
      'block',
      `values:\n${Array.from({ length: levels }, (_, level) => `${' '.repeat(level + 1)}a:`).join('\n')} 1`,
    ],
    ['block sequences', `values:\n  a:\n   ${'- '.repeat(levels)}x`],
  ]

  it.each(nested(90))('allows 90 levels of %s', (_kind, text) => {
    expect(load('e', text).diagnostics).toEqual([])
  })

  it.each([
    ...nested(200),
    ['flow', `[${'['.repeat(100_000)}`] as const,
    ['block sequences', '- '.repeat(100_000)] as const,
  ])('refuses many levels of %s', (_kind, text) => {
    const { document, diagnostics } = load('e', text)
    expect(document).toBeNull()
    expect(diagnostics.map(problem)[0]).toMatch(/nesting is limited to 100 levels$/)
  })

  it('refuses 2 MiB', () => {
    const { document, diagnostics } = load('e', `values: {a: ${'x'.repeat(2 * 1024 * 1024)}}`)
    expect(document).toBeNull()
    expect(diagnostics.map(problem)).toEqual([
      'a definition is limited to 1048576 bytes; this one has 2097165',
    ])
  })

  it('counts bytes, not characters', () => {
    expect(load('e', `values: {a: ${'é'.repeat(600_000)}}`).document).toBeNull()
  })

  it.each([
    ['brackets', ']'.repeat(1_000_000)],
    ['commas', `[${','.repeat(1_000_000)}`],
    ['anchors', '&a '.repeat(300_000)],
    ['quotes', '"\n'.repeat(400_000)],
  ])('ends early on a megabyte of wrong %s', (_kind, text) => {
    const begun = performance.now()
    expect(load('e', text).document).toBeNull()
    expect(performance.now() - begun).toBeLessThan(8000)
  })

  it('follows a chain of references of any length', async () => {
    const links = Array.from({ length: 8000 }, (_, index) => `a${index}: \${a${index + 1}}`)
    const { values: result, problems } = await run('open', values([...links, 'a8000: end'].join('\n')))
    expect(problems).toEqual([])
    expect((result as Record<string, string>)['a0']).toBe('end')
  }, 30_000)

  it('bears long lists, many duplicates and odd comments', async () => {
    const long = await run('open', values(`a: [${'1,'.repeat(9990)}]\nb: 1`))
    expect(long.problems).toEqual([])
    expect(long.values).toMatchObject({ b: 1 })
    expect((await run('open', values(`a: [${'1,'.repeat(10_000)}]`))).problems).toEqual([
      'a definition is limited to 10000 values; this one has 10001',
    ])
    const twice = values(`a: [${'1,'.repeat(5000)}]\nb: {fn::concat: ["\${a}", "\${a}", "\${a}"]}`)
    expect((await run('open', twice)).problems).toEqual(['3:19 a value is limited to 10000 values inside it'])
    const entries = load('e', values(`a: {${'k: 1,'.repeat(130_000)}}`)).diagnostics
    expect(entries.map(problem)).toEqual([
      expect.stringMatching(/^yaml: line 2.*a definition is limited to 10000 values$/),
    ])
    const duplicates = await run('open', values(`a: {${'k: 1,'.repeat(9000)}}`))
    expect(duplicates.problems).toHaveLength(1001)
    expect(duplicates.problems.at(-1)).toBe('only the first 1000 problems are shown')
    const { document } = load('e', `${'#'.repeat(50_000)}\n[`)
    expect(document).toBeNull()
    await expect(sealSecrets(`${'#'.repeat(50_000)}\n[`, conceal)).rejects.toThrow(/^yaml: /)
  }, 60_000)

  it('bears references that pile up layers of imports', async () => {
    const keys = Array.from({ length: 3000 }, (_, index) => index)
    const environments = { base: values(keys.map((key) => `a${key}: {k${key}: 1}`).join('\n')) }
    const text = values(
      keys.map((key) => (key === 0 ? 'a0: {z: 1}' : `a${key}: "\${a${key - 1}}"`)).join('\n'),
    )
    const { problems } = await run('open', `imports: [base]\n${text}`, { environments })
    expect(problems[0]).toMatch(/merging is limited to 256 layers$/)
  }, 60_000)

  it('stops what grows without bound', async () => {
    const doubling = [
      'a0: 0123456789',
      ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: "\${a${i}}\${a${i}}"`),
    ]
    expect((await run('open', values(doubling.join('\n')))).problems).toEqual([
      'evaluation is limited to 67108864 characters of produced text',
    ])
    const lists = ['a0: 1', ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: ["\${a${i}}", "\${a${i}}"]`)]
    const { problems } = await run('open', values(lists.join('\n')))
    expect(problems).toContain('15:8 a value is limited to 10000 values inside it')
    const deep = ['a0: 1', ...Array.from({ length: 400 }, (_, i) => `a${i + 1}: {b: "\${a${i}}"}`)]
    expect((await run('open', values(deep.join('\n')))).problems).toContainEqual(
      expect.stringContaining('nesting is limited to 100 levels'),
    )
  }, 60_000)
})

describe('ranges', () => {
  it('counts lines and code points, and bytes by the columns of a display', async () => {
    const { diagnostics } = await run('check', 'values:\n  é: [😀, "${x}", b]')
    expect(diagnostics).toMatchObject([
      {
        summary: 'unknown property "x"',
        path: 'values["é"][1]',
        range: { environment: 'app/prod', begin: { line: 2, column: 10, byte: 20 } },
      },
    ])
  })

  it('counts no column for a byte order mark', async () => {
    const { problems, values: result } = await run('check', '\ufeffvalues: {a: 1, a: 2}')
    expect(problems).toEqual(['1:16 duplicate key "a"'])
    expect(result).toEqual({ a: 1 })
  })

  it('points at the accessor of a plain scalar, and at the whole of a quoted one', async () => {
    const { diagnostics } = await run('check', values('o: {k: 1}\np: x ${o.nope} y\nq: "x ${o.nope} y"'))
    expect(diagnostics.map(({ path, range }) => [path, range!.begin, range!.end])).toEqual([
      ['values.p', { line: 3, column: 11, byte: 30 }, { line: 3, column: 16, byte: 35 }],
      ['values.q', { line: 4, column: 6, byte: 44 }, { line: 4, column: 19, byte: 57 }],
    ])
  })
})
