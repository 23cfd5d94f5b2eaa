import { describe, expect, it } from 'vitest'
import { open, toJSON, load, JsonNumber } from '../../language/index.ts'
import { problem, run, testHost, values } from './support.ts'

const SOURCES =
  's: text\nn: 12\nl: [a, b]\no: {k: v}\npw: {fn::secret: hush}\nj: \'{"a": [1.0, 23456789012345678901234], "b": "<"}\'\n'

describe('results', () => {
  const cases: [call: string, json: string][] = [
    ['{fn::join: [",", [a, "${s}", c]]}', '"a,text,c"'],
    ['{fn::join: [",", []]}', '""'],
    ['{fn::split: [",", "a,b"]}', '["a","b"]'],
    ['{fn::split: ["", "a😀"]}', '["a","😀"]'],
    ['{fn::split: ["", ""]}', '[]'],
    ['{fn::split: [",", ""]}', '[""]'],
    ['{fn::concat: [["${s}"], [1, 2], []]}', '["text",1,2]'],
    ['{fn::toBase64: "é"}', '"w6k="'],
    ['{fn::fromBase64: "w6k="}', '"é"'],
    ['{fn::toString: "${n}"}', '"12"'],
    ['{fn::toString: "${o}"}', '"\\"k\\"=\\"v\\""'],
    ['{fn::toString: null}', '""'],
    [
      '{fn::toJSON: {b: "<&>", a: ["${n}", null]}}',
      '"{\\"a\\":[12,null],\\"b\\":\\"\\\\u003c\\\\u0026\\\\u003e\\"}"',
    ],
    ['{fn::fromJSON: "${j}"}', '{"a":[1.0,23456789012345678901234],"b":"<"}'],
    ['{fn::fromJSON: " [true] trailing"}', '[true]'],
    ['{fn::final: "${o}"}', '{"k":"v"}'],
    ['{fn::validate: {schema: {type: string}, value: x}}', '"x"'],
    ['{fn::secret: pa$$x}', '"pa$x"'],
    ['{fn::open: {provider: echo, inputs: {a: "${n}"}}}', '{"a":12}'],
    ['{fn::open::echo: {a: {fn::join: ["", [x, y]]}}}', '{"a":"xy"}'],
  ]
  it.each(cases)('%s', async (call, json) => {
    const { document } = load('e', values(`${SOURCES}r: ${call}`))
    const { environment, diagnostics } = await open(document, testHost())
    expect(diagnostics).toEqual([])
    expect(toJSON(environment, { redact: false })).toContain(`"r":${json},`)
  })
})

describe('wrong calls', () => {
  const cases: [call: string, problems: string[]][] = [
    ['{fn::join: a}', ['8:17 the argument to fn::join must be a two-valued list']],
    ['{fn::join: ["", [1]]}', ['8:23 expected string, got number']],
    ['{fn::split: ["", 1]}', ['8:23 expected string, got number']],
    ['{fn::split: "${l}"}', ['8:18 the argument to fn::split must be a two-valued list']],
    ['{fn::concat: [1]}', ['8:20 expected array, got number']],
    [
      '{fn::concat: a}',
      ['8:19 the argument to fn::concat must be an array of arrays', '8:19 expected array, got string'],
    ],
    ['{fn::toBase64: 1}', ['8:21 expected string, got number']],
    ['{fn::fromBase64: "a"}', ['8:6 decoding base64 string: illegal base64 data at input byte 0']],
    ['{fn::fromBase64: "ab-="}', ['8:6 decoding base64 string: illegal base64 data at input byte 2']],
    ['{fn::fromJSON: ""}', ['8:6 decoding JSON string: EOF']],
    ['{fn::fromJSON: "[1"}', ['8:6 decoding JSON string: unexpected EOF']],
    ['{fn::fromJSON: "${n}"}', ['8:21 expected string, got number']],
    ['{fn::toJSON: .inf}', ['8:6 failed to encode JSON: json: invalid number literal "+Inf"']],
    ['{fn::secret: 1}', ['8:19 secret values must be string literals']],
    ['{fn::secret: "${s}"}', ['8:19 secret values must be string literals']],
    ['{fn::secret: {ciphertext: "!"}}', ['8:6 invalid ciphertext: illegal base64 data at input byte 0']],
    ['{fn::secret: {ciphertext: "AAAA"}}', ['8:6 invalid ciphertext: EOF']],
    ['{fn::secret: {ciphertext: "ZXNjeQAAAAEBAgMEd1c6Wg=="}}', ['8:6 invalid ciphertext: invalid header']],
    ['{fn::secret: {ciphertext: "ZXNjeAAAAAEBAgMEd1c6Ww=="}}', ['8:6 invalid ciphertext: invalid checksum']],
    ['{fn::open: a}', ["8:17 the argument to fn::open must be an object containing 'provider' and 'inputs'"]],
    ['{fn::open: {inputs: {}}}', ["8:17 missing provider name ('provider')"]],
    ['{fn::open: {provider: "${s}", inputs: {}}}', ['8:28 provider name must be a string literal']],
    ['{fn::open: {provider: echo}}', ["8:17 missing provider inputs ('inputs')"]],
    ['{fn::open::nope: {}}', ['8:6 unknown provider "nope"']],
    ['{fn::open::echo: a}', ['8:23 inputs must be an object']],
    ['{fn::open::fails: {}}', ['8:6 the target said no']],
    [
      '{fn::open::strict: {a: 1, z: 2}}',
      ['8:29 expected string, got number', '8:35 property "z" is not allowed'],
    ],
    ['{fn::open::strict: {}}', ['8:25 missing required properties: a']],
    ['{fn::validate: {value: a}}', ["8:21 missing required property 'schema'"]],
    [
      '{fn::validate: {schema: {type: integer}, value: a}}',
      [
        '8:30 expected boolean, got object',
        '8:37 expected one of ["string","number","boolean","array","object","null"]',
        '8:30 at least one subschema must match',
      ],
    ],
    ['{fn::validate: {schema: {const: b}, value: a}}', ['8:49 expected "b"']],
    [
      '{fn::validate: {schema: {$ref: "#/x"}, value: a}}',
      ['8:30 invalid schema: only fragment references of the form #/$defs/ref are supported'],
    ],
  ]
  const providers = {
    fails: { open: () => Promise.reject(new Error('the target said no')) },
    strict: {
      inputs: {
        type: 'object' as const,
        properties: { a: { type: 'string' as const } },
        required: ['a'],
        additionalProperties: false,
      },
    },
  }
  it.each(cases)('%s', async (call, problems) => {
    const { problems: found } = await run('open', values(`${SOURCES}r: ${call}`), { providers })
    expect(found).toEqual(problems)
  })
})

describe('validation', () => {
  const cases: [schema: string, value: string, problems: string[]][] = [
    ['{type: number, minimum: 2}', '1', ['expected a number greater than or equal to 2']],
    ['{type: number, maximum: 2}', '3', ['expected a number less than or equal to2']],
    ['{type: number, exclusiveMinimum: 2}', '2', ['expected a number greater than 2']],
    ['{type: number, exclusiveMaximum: 2}', '2', ['expected a number less than 2']],
    ['{type: number, multipleOf: 0.1}', '0.3', []],
    ['{type: number, multipleOf: 2}', '3', ['expected a multiple of 2']],
    ['{type: string, minLength: 3}', 'é', ['expected a string of at least length 3']],
    ['{type: string, maxLength: 1}', 'é', ['expected a string of at most length 1']],
    ['{type: string, pattern: "^a+$"}', 'b', ['string must match the pattern "^a+$"']],
    ['{pattern: "(a"}', 'b', [expect.stringMatching(/^invalid schema: /) as string]],
    [
      '{type: array, items: {type: string}, minItems: 3}',
      '[a, 1]',
      ['expected an array with at least 3 items', 'expected string, got number'],
    ],
    ['{type: array, prefixItems: [{type: number}], items: false}', '[1, 2]', ['no value is allowed here']],
    ['{enum: [a, b]}', 'c', ['expected one of ["a","b"]']],
    [
      '{anyOf: [{type: number}, {const: x}]}',
      'y',
      ['expected number, got string', 'expected "x"', 'at least one subschema must match'],
    ],
    ['{oneOf: [{type: string}, {const: x}]}', 'x', ['exactly one subschema may match']],
    [
      '{type: object, required: [a, b], minProperties: 2}',
      '{a: 1}',
      ['expected an object with at least 2 properties', 'missing required properties: b'],
    ],
    ['{type: object, dependentRequired: {a: [b]}}', '{a: 1}', ['missing required properties: b']],
    [
      '{$ref: "#/$defs/tree", $defs: {tree: {type: object, additionalProperties: {$ref: "#/$defs/tree"}}}}',
      '{a: {b: {c: 1}}}',
      ['expected object, got number'],
    ],
    ['{$ref: "#/$defs/loop", $defs: {loop: {$ref: "#/$defs/loop"}}}', '1', []],
    ['false', '1', ['no value is allowed here']],
  ]
  it.each(cases)('%s against %s', async (schema, value, problems) => {
    const text = values(`r: {fn::validate: {schema: ${schema}, value: ${value}}}`)
    const { diagnostics } = await run('open', text)
    expect(diagnostics.map(({ summary }) => summary)).toEqual(problems)
  })

  it('checks what is unknown by its schema', async () => {
    const providers = {
      login: { outputs: { type: 'object' as const, properties: { token: { type: 'number' as const } } } },
      user: { inputs: { type: 'object' as const, properties: { t: { type: 'string' as const } } } },
    }
    const text = values('a: {fn::open::login: {}}\nb: {fn::open::user: {t: "${a.token}"}}\nc: "${a.nope.x}"')
    expect((await run('check', text, { providers })).problems).toEqual([
      '3:27 expected string, got number',
      '4:6 receiver must be an array or an object',
    ])
  })
})

describe('final', () => {
  it('is not overridden, and the override is not evaluated', async () => {
    const {
      values: result,
      problems,
      host,
    } = await run('open', 'imports: [base]\nvalues: {a: {fn::open::echo: {}}, b: 1}', {
      environments: { base: values('a: {fn::final: kept}\nb: 0') },
    })
    expect(problems).toEqual(['2:13 warning: cannot override final value'])
    expect(result).toEqual({ a: 'kept', b: 1 })
    expect(host.log).toEqual(['load base'])
  })
})

describe('secrets', () => {
  it('make secret what is made of them', async () => {
    const text = values(
      [
        'pw: {fn::secret: hush}',
        'i: "x${pw}"',
        'c: "${pw}"',
        'j: {fn::join: [",", ["${pw}", a]]}',
        't: {fn::toJSON: {a: "${pw}"}}',
        'b: {fn::toBase64: "${pw}"}',
        's: {fn::split: ["u", "${pw}"]}',
        'p: "${s[0]}"',
        'f: {fn::fromJSON: {fn::secret: \'{"a": ["hush"]}\'}}',
        'q: "${f.a[0]}"',
        'o: {a: "${pw}", plain: 1}',
      ].join('\n'),
    )
    const { evaluation } = await run('open', text)
    const redacted = toJSON(evaluation.environment, { redact: true })
    expect(JSON.parse(redacted)).toEqual({
      ...Object.fromEntries(['i', 'c', 'j', 't', 'b', 's', 'f', 'q'].map((name) => [name, '[secret]'])),
      p: '[secret]',
      pw: '[secret]',
      o: { a: '[secret]', plain: 1 },
    })
    expect(redacted).not.toContain('hu')
  })

  it('that are sealed stay unknown in a check, unless asked for', async () => {
    const sealed = Buffer.from('65736378000000018c86929d90', 'hex')
    expect(sealed).toHaveLength(13)
    const text = values('a: {fn::secret: {ciphertext: ZXNjeAAAAAEBAgMEd1c6Wg==}}')
    const { document } = load('e', text)
    const { check } = await import('../../language/index.ts')
    const hidden = await check(document, testHost())
    expect(hidden.environment!.properties['a']).toMatchObject({ secret: true, unknown: true })
    const shown = await check(document, testHost(), { showSecrets: true })
    expect(shown.environment!.properties['a']).toMatchObject({ secret: true })
    expect(shown.environment!.properties['a']).not.toHaveProperty('unknown')
  })

  it('that cannot be decrypted are reported without their text', async () => {
    const host = { ...testHost(), decrypt: () => Promise.reject(new Error('no key')) }
    const { document } = load('e', values('a: {fn::secret: {ciphertext: ZXNjeAAAAAEBAgMEd1c6Wg==}}'))
    expect((await open(document, host)).diagnostics.map(problem)).toEqual(['2:6 decrypting: no key'])
  })

  it('never show in a diagnostic', async () => {
    const text = values(
      [
        'pw: {fn::secret: hushhush}',
        'a: {fn::fromJSON: "${pw}"}',
        'b: {fn::fromBase64: "${pw}-"}',
        'c: {fn::validate: {schema: {pattern: x, maxLength: 1, enum: [a]}, value: "${pw}"}}',
        'd: "${pw.x}"',
        'e: {fn::open::nope: {a: "${pw}"}}',
        'f: "${pw[0]}"',
      ].join('\n'),
    )
    const { diagnostics } = await run('open', text)
    expect(diagnostics.length).toBeGreaterThan(5)
    expect(JSON.stringify(diagnostics)).not.toContain('hush')
  })
})

describe('provider values', () => {
  it('keep digits, and a secret object hides all of itself', async () => {
    const number = new JsonNumber('1.000000000000000000001')
    const providers = {
      p: {
        open: () =>
          Promise.resolve({
            value: { n: { value: number }, o: { value: { a: { value: 'x' } }, secret: true } },
          }),
      },
    }
    const { evaluation } = await run('open', values('a: {fn::open::p: {}}\nb: "${a.o.a}"'), { providers })
    expect(toJSON(evaluation.environment, { redact: true })).toBe(
      '{"a":{"n":1.000000000000000000001,"o":"[secret]"},"b":"[secret]"}',
    )
  })
})
