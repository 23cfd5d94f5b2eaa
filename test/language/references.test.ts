import { describe, expect, it } from 'vitest'
import { run, values } from './support.ts'

const OBJECT = 'o: {s: text, n: 1, l: [x, {k: v}], "a.b": c}\n'

describe('interpolation', () => {
  const cases: [written: string, value: unknown][] = [
    ['"${o.n}"', 1],
    ['"${o.n} "', '1 '],
    ['"n=${o.n} s=${o.s}"', 'n=1 s=text'],
    ['"cost: $$5 $5 $"', 'cost: $5 $5 $'],
    ['"$${o.n}"', '${o.n}'],
    ['"$$${o.n}"', '$1'],
    ['"${o.l[1].k}"', 'v'],
    ['"${o[\\"a.b\\"]}"', 'c'],
    ['\'${["o"].s}\'', 'text'],
    ['"${.o.s}"', 'text'],
    ['"${o.l[+1].k}"', 'v'],
    ['"${o}"', { s: 'text', n: 1, l: ['x', { k: 'v' }], 'a.b': 'c' }],
    ['"- ${o.l}"', '- "x","\\"k\\"=\\"v\\""'],
  ]
  it.each(cases)('%s', async (written, value) => {
    const { values: result, problems } = await run('open', values(`${OBJECT}r: ${written}`))
    expect(problems).toEqual([])
    expect((result as { r: unknown }).r).toEqual(value)
  })
})

describe('wrong references', () => {
  const cases: [written: string, problem: string][] = [
    ['"${o.s"', "3:6 missing closing brace '}' in interpolation"],
    ['"${o. s}"', '3:6 property name must not be empty'],
    ['"${o..s}"', '3:6 property name must not be empty'],
    ['"${o.l[}"', '3:6 numeric subscript must be a positive base-10 integer'],
    ['"${o.l[0}"', "3:6 subscript is missing closing bracket ']'"],
    ["'${o[\"s}'", "3:6 key subscript is missing closing quote '\"'"],
    ['\'${o[""]}\'', '3:6 key subscript must not be empty'],
    ['"${[0]}"', '3:6 the first accessor must be a property name or key subscript, not a numeric subscript'],
    ['"${}"', '3:6 unknown property ""'],
    ['"${o.A_BB}"', '3:6 unknown property "A_BB"; did you mean "a.b"?'],
    ['"${o.nothing}"', '3:6 unknown property "nothing"'],
    ['"${o.l.k}"', '3:6 cannot access an array element using a property name'],
    ['"${o.l[2]}"', '3:6 array index 2 out-of-bounds for array of length 2'],
    ['"${o.l[-1]}"', '3:6 array indices must not be negative'],
    ['"${o[0]}"', '3:6 cannot access an object property using an integer index'],
    ['"${o.s.x}"', '3:6 receiver must be an array or an object'],
    ['{"${o.s}": 1}', '3:7 object keys must be strings'],
    ['{fn::nope: 1}', "3:7 'fn::' is a reserved prefix"],
    ['{FN::Secret: a}', "3:7 'fn::' is a reserved prefix"],
    [
      '{fn::secret: a, b: c}',
      '3:6 illegal call to builtin function: "fn::secret" must be the only key within its containing object',
    ],
  ]
  it.each(cases)('%s', async (written, problem) => {
    const { problems, evaluation } = await run('open', values(`${OBJECT}r: ${written}`))
    expect(problems).toContain(problem)
    expect(evaluation.environment).not.toBeNull()
  })

  it('go on with what is left of the text', async () => {
    const { values: result } = await run('open', values(`${OBJECT}r: "\${o.s } t"`))
    expect(result).toMatchObject({ r: 'text } t' })
  })
})

describe('cycles', () => {
  it('are reported once, at the expression that is entered again', async () => {
    const { values: result, problems } = await run('open', values('a: "${b}"\nb: "${c}"\nc: "x${a}"\nd: ok'))
    expect(problems).toEqual(['2:6 cyclic reference to a'])
    expect(result).toEqual({ a: '[unknown]', b: '[unknown]', c: '[unknown]', d: 'ok' })
  })

  it('are none between parts of one literal', async () => {
    const { values: result, problems } = await run('open', values('a: {p: "${a.q}", q: ["${a.q[1]}", 2]}'))
    expect(problems).toEqual([])
    expect(result).toEqual({ a: { p: [2, 2], q: [2, 2] } })
  })

  it('name the path with its odd keys', async () => {
    const { problems } = await run('open', values("a: {'x-y': ['${a[\"x-y\"][0]}']}"))
    expect(problems).toEqual(['2:15 cyclic reference to a["x-y"][0]'])
  })
})

describe('context', () => {
  it('shows the host values and both names', async () => {
    const { values: result } = await run(
      'open',
      'imports: [base]\nvalues:\n  mine: "${context.user} ${context.currentEnvironment.name}"',
      {
        context: { user: { value: 'ada' } },
        environments: {
          base: values('c: "${context.currentEnvironment.name} in ${context.rootEnvironment.name}"'),
        },
      },
    )
    expect(result).toEqual({ c: 'base in app/prod', mine: 'ada app/prod' })
  })

  it('reports what is not there', async () => {
    const { problems } = await run('check', values('a: "${context.usr}"'), {
      context: { user: { value: 'x' } },
    })
    expect(problems).toEqual(['2:6 unknown property "usr"; did you mean "user"?'])
  })
})
