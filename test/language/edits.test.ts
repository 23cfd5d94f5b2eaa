import { describe, expect, it } from 'vitest'
import {
  applyPatches,
  EditError,
  fromPlain,
  JsonNumber,
  removeValue,
  revealSecrets,
  sealSecrets,
  setValue,
  type DefinitionValue,
  type Schema,
  type Value,
} from '../../language/index.ts'
import { conceal, run, unconceal, values } from './support.ts'

const STATE_PATH = 'values.creds["fn::rotate::pg"].state'
const SCHEMA: Schema = {
  type: 'object',
  additionalProperties: { properties: { username: {}, password: { secret: true } } },
}
const STATE = fromPlain({ current: { username: 'u2', password: 'new' } }, SCHEMA)

const lines = (...all: string[]): string => `${all.join('\n')}\n`

describe('applyPatches', () => {
  const cases: [name: string, before: string, after: string][] = [
    [
      'adds a missing state to a block',
      lines(
        '# top',
        '',
        'values:',
        '  creds: # c',
        '    fn::rotate::pg:',
        "      inputs: {a: 'x'}   # in",
        '',
        '  b: 1',
      ),
      lines(
        '# top',
        '',
        'values:',
        '  creds: # c',
        '    fn::rotate::pg:',
        "      inputs: {a: 'x'}   # in",
        '      state:',
        '        current:',
        '          username: u2',
        '          password:',
        '            fn::secret: new',
        '',
        '  b: 1',
      ),
    ],
    [
      'adds a missing state in flow style',
      'values: {creds: {"fn::rotate::pg": {inputs: {}}}} # end',
      'values: {creds: {"fn::rotate::pg": {inputs: {}, state: {current: {username: u2, password: {fn::secret: new}}}}}} # end',
    ],
    [
      'adds it to a flow mapping with one entry per line',
      lines(
        'values: {',
        '  creds: {',
        '    fn::rotate::pg: {',
        '      inputs: {}, # in',
        '    }',
        '  }',
        '}',
      ),
      lines(
        'values: {',
        '  creds: {',
        '    fn::rotate::pg: {',
        '      inputs: {}, # in',
        '      state: {current: {username: u2, password: {fn::secret: new}}},',
        '    }',
        '  }',
        '}',
      ),
    ],
    [
      'changes only what differs in a state',
      lines(
        'values:',
        '    creds:',
        '        fn::rotate::pg:',
        '            state: # keep',
        '                current:',
        "                    username:   'u1'  # name",
        '                    # above',
        '                    password: {fn::secret: {ciphertext: abcd}} # pw',
        '            inputs: {}',
      ),
      lines(
        'values:',
        '    creds:',
        '        fn::rotate::pg:',
        '            state: # keep',
        '                current:',
        "                    username:   'u2'  # name",
        '                    # above',
        '                    password: {fn::secret: new} # pw',
        '            inputs: {}',
      ),
    ],
    [
      'removes what the new state does not have',
      lines(
        'values:',
        '  creds:',
        '    fn::rotate::pg:',
        '      inputs: {}',
        '      state:',
        '        previous: {username: u0}',
        '        current: {username: u1, password: {fn::secret: old}}',
        '        note: |',
        '          gone',
        '',
        '# end',
      ),
      lines(
        'values:',
        '  creds:',
        '    fn::rotate::pg:',
        '      inputs: {}',
        '      state:',
        '        current: {username: u2, password: {fn::secret: new}}',
        '',
        '# end',
      ),
    ],
    [
      'writes a state where there was none',
      lines('values:', '  creds:', '    fn::rotate::pg:', '      state: # not yet', '      inputs: {}'),
      lines(
        'values:',
        '  creds:',
        '    fn::rotate::pg:',
        '      state:',
        '        current:',
        '          username: u2',
        '          password:',
        '            fn::secret: new # not yet',
        '      inputs: {}',
      ),
    ],
    [
      'keeps an empty flow state in flow style',
      lines('values:', '  creds:', '    fn::rotate::pg: {inputs: {}, state: {}}'),
      lines(
        'values:',
        '  creds:',
        '    fn::rotate::pg: {inputs: {}, state: {current: {username: u2, password: {fn::secret: new}}}}',
      ),
    ],
  ]
  it.each(cases)('%s', (_name, before, after) => {
    const patch = { docPath: STATE_PATH, replacement: STATE }
    expect(applyPatches(before, [patch])).toBe(after)
    expect(applyPatches(after, [patch])).toBe(after)
  })

  it('keeps CRLF', () => {
    const before = lines('values:', '  creds:', '    fn::rotate::pg:', '      inputs: {}').replaceAll(
      '\n',
      '\r\n',
    )
    const after = applyPatches(before, [{ docPath: STATE_PATH, replacement: STATE }])
    expect(after.startsWith(before)).toBe(true)
    expect(after.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })

  it('finds a call in an array, and applies several patches', () => {
    const before = lines(
      'values:',
      '  l:',
      '  - fn::rotate::a: {inputs: {}}',
      '  -   fn::rotate::b:',
      '        inputs: {}',
    )
    const replacement = fromPlain({ num: 1 })
    expect(
      applyPatches(before, [
        { docPath: 'values.l[0]["fn::rotate::a"].state', replacement },
        { docPath: 'values.l[1]["fn::rotate::b"].state', replacement },
        { docPath: 'values.l[1]["fn::rotate::b"].more', replacement },
        { docPath: 'values.l[1]["fn::rotate::b"].more.deep', replacement },
      ]),
    ).toBe(
      lines(
        'values:',
        '  l:',
        '  - fn::rotate::a: {inputs: {}, state: {num: 1}}',
        '  -   fn::rotate::b:',
        '        inputs: {}',
        '        state:',
        '          num: 1',
        '        more:',
        '          num: 1',
        '          deep:',
        '            num: 1',
      ),
    )
  })

  const roundTrips: [name: string, value: unknown, schema?: Schema][] = [
    ['numbers and booleans', { a: 1, b: true, c: null, d: 1.5, e: new JsonNumber('1.0') }],
    [
      'texts that look like others',
      ['42', 'true', 'null', '~', '', '1e3', '0x10', 'yes', '2024-01-01', '.5', '- a', '# x', 'a: b'],
    ],
    ['dollars', ['${x}', '$$', '$', 'a$$${b}', '$a', '$$$', '{$']],
    ['secret dollars', ['${x}', '$$', '$', 'pa$$wd'], { items: { secret: true } }],
    [
      'secrets that are no strings',
      { a: 42, b: [1, 'x'], c: false, d: null },
      { additionalProperties: { secret: true } },
    ],
    [
      'big and precise numbers',
      [new JsonNumber('12345678901234567890123'), new JsonNumber('0.10000000000000000000001')],
    ],
    [
      'several lines',
      ['a\nb\n', 'a\nb', '\na', ' a\nb', 'a\r\nb', 'a\n\n', 'a\tb\n c\n', '\u0000\u2028\ufeff😀'],
      { items: { secret: true } },
    ],
    ['what looks like a call', { o: { 'fn::secret': 'x' }, p: { 'fn::nope': 1, q: 2 } }],
    ['odd keys', { 'a b': 1, true: 2, '': 3, '${x}': 4, 'a"b': 5, __proto__x: 6, '1': 7 }],
    ['nothing', { a: {}, b: [], c: [[], {}] }],
  ]
  it.each(roundTrips)('writes %s so that they read back', async (_name, plain, schema = true) => {
    const replacement: Value = { value: { v: fromPlain(plain, schema) } }
    for (const before of ['values: {a: {}}\n', 'values:\n  a:\n    w: 1\n', 'values:\n  a:\n    w: 1']) {
      const text = applyPatches(before, [{ docPath: 'values.a', replacement }])
      for (const written of [text, await sealSecrets(text, conceal)]) {
        const { values: result, problems } = await run('open', written)
        expect(problems, written).toEqual([])
        const expected: unknown = JSON.parse(
          JSON.stringify(plain, (_key, value: unknown) => {
            return value instanceof JsonNumber ? Number(value.text) : value
          }),
        )
        expect(result).toEqual({ a: { v: expected } })
      }
    }
  })

  it('keeps every digit of a number', async () => {
    const text = applyPatches('values: {}', [
      { docPath: 'values.a', replacement: { value: new JsonNumber('12345678901234567890123') } },
    ])
    const { evaluation } = await run('open', text)
    expect(evaluation.environment!.properties['a']!.value).toEqual(new JsonNumber('12345678901234567890123'))
  })

  it.each([
    ['values: [', 'values.a', /^yaml: /],
    ['values: {a: 1}', 'values.a.b', /expected an array or an object/],
    ['values: {a: [1]}', 'values.a[3]', /array index out of range/],
    ['values: {a: [1]}', 'values.a.b', /key for an array must be an int/],
    ['values: {a: {}}', 'values.a[1]', /key for a map must be a string|index out of range/],
  ])('refuses %s with %s', (text, docPath, message) => {
    expect(() => applyPatches(text, [{ docPath, replacement: STATE }])).toThrow(message)
    expect(() => applyPatches(text, [{ docPath, replacement: STATE }])).toThrow(EditError)
  })
})

describe('setValue', () => {
  const cases: [name: string, before: string, path: string, value: DefinitionValue, after: string][] = [
    ['replaces a plain scalar', 'values:\n  a: b # c\n', 'values.a', 'd', 'values:\n  a: d # c\n'],
    ['keeps single quotes', "values: {a: 'b' }\n", 'values.a', "it's", "values: {a: 'it''s' }\n"],
    ['keeps double quotes', 'values: {a: "b"}\n', 'values.a', 'c', 'values: {a: "c"}\n'],
    ['leaves an equal value alone', 'values: {a: "b"  }\n', 'values.a', 'b', 'values: {a: "b"  }\n'],
    ['keeps a reference', 'values:\n  a: 1\n', 'values.a', '${b.c}', 'values:\n  a: ${b.c}\n'],
    [
      'makes what is missing',
      'values:\n  a: 1\n',
      'values.b.c[0]',
      'x',
      'values:\n  a: 1\n  b:\n    c:\n      - x\n',
    ],
    ['starts an empty text', '', 'values.a', 1, 'values:\n  a: 1\n'],
    ['starts below comments', '# hi', 'values.a', 1, '# hi\nvalues:\n  a: 1\n'],
    [
      'appends to a list',
      'values:\n  l:\n  - a\n  # end\n',
      'values.l[1]',
      'b',
      'values:\n  l:\n  - a\n  - b\n  # end\n',
    ],
    ['appends to a flow list', 'values: {l: [a, b,]}', 'values.l[2]', 'c', 'values: {l: [a, b, c,]}'],
    [
      'a scalar becomes a list',
      'values:\n  a: 1\n  b: 2\n',
      'values.a',
      [1, { x: 2, z: 3 }],
      'values:\n  a:\n    - 1\n    - x: 2\n      z: 3\n  b: 2\n',
    ],
    [
      'a block becomes a scalar',
      'values:\n  a:\n    b: 1\n    c: 2\n\n  d: 3\n',
      'values.a',
      5,
      'values:\n  a: 5\n\n  d: 3\n',
    ],
    [
      'a block below a comment becomes a scalar',
      'values:\n  a: # why\n    b: 1\n  d: 3\n',
      'values.a',
      5,
      'values:\n  a: # why\n    5\n  d: 3\n',
    ],
    [
      'a literal becomes a scalar',
      'values:\n  a: |\n    x\n    y\n  b: 1\n',
      'values.a',
      'z',
      'values:\n  a: z\n  b: 1\n',
    ],
    [
      'several lines become a literal',
      'values:\n  a: 1\n',
      'values.a',
      'x\ny\n',
      'values:\n  a: |\n    x\n    y\n',
    ],
    [
      'several lines before a comment stay on one',
      'values:\n  a: 1 # c\n',
      'values.a',
      'x\ny',
      'values:\n  a: "x\\ny" # c\n',
    ],
    [
      'a literal at the very end keeps its text',
      'values:\n  a: |\n    x',
      'values.b',
      1,
      'values:\n  a: |-\n    x\n  b: 1',
    ],
    ['an item of a list', 'values:\n  - a # x\n  -\n', 'values[1]', 'b', 'values:\n  - a # x\n  - b\n'],
    ['a null in flow', 'values: {a, b: }', 'values.a', 1, 'values: {a: 1, b: }'],
    ['the description', 'values: {}\n', 'description', 'what it is', 'values: {}\ndescription: what it is\n'],
    ['an anchored value', 'values:\n  a: &x old\n', 'values.a', 'new', 'values:\n  a: new\n'],
    ['a tab-aligned comment', 'values:\n  a: 1\t# c\n', 'values.a', 2, 'values:\n  a: 2\t# c\n'],
  ]
  it.each(cases)('%s', (_name, before, path, value, after) => {
    expect(setValue(before, path, value)).toBe(after)
  })

  it('writes a secret literally', async () => {
    const text = setValue('values: {a: 1}', 'values.b', 'x${y}', { secret: true })
    expect((await run('open', text)).values).toEqual({ a: 1, b: 'x${y}' })
    expect(setValue('values:\n  a: 1\n', 'values.a', 'pw', { secret: true })).toBe(
      'values:\n  a:\n    fn::secret: pw\n',
    )
  })
})

describe('removeValue', () => {
  const cases: [name: string, before: string, path: string, after: string][] = [
    [
      'an entry with its lines',
      'values:\n  a:\n    b: 1\n  # c\n  c: 2 # x\n',
      'values.a',
      'values:\n  # c\n  c: 2 # x\n',
    ],
    ['the last entry', 'values:\n  a: 1\n  b: |\n    x\n# end\n', 'values.b', 'values:\n  a: 1\n# end\n'],
    ['the only entry', 'values:\n  a:\n    b: 1\n  c: 1\n', 'values.a.b', 'values:\n  a: {}\n  c: 1\n'],
    ['the first of a flow mapping', '{values: {a: 1, b: 2}}', 'values.a', '{values: {b: 2}}'],
    ['the last of a flow mapping', '{values: {a: 1, b: 2 }}', 'values.b', '{values: {a: 1 }}'],
    ['the only one of a flow mapping', '{values: { a: 1 }}', 'values.a', '{values: {}}'],
    [
      'the state of a call',
      'values:\n  a:\n    fn::rotate::pg:\n      state: {x: 1}\n      inputs: {}\n',
      'values.a["fn::rotate::pg"].state',
      'values:\n  a:\n    fn::rotate::pg:\n      inputs: {}\n',
    ],
    ['the first key behind a dash', 'values:\n  - a: 1\n    b: 2\n', 'values[0].a', 'values:\n  - b: 2\n'],
    [
      'an item',
      'values:\n  l:\n    - a\n    - b: 1\n      c: 2\n    - d\n',
      'values.l[1]',
      'values:\n  l:\n    - a\n    - d\n',
    ],
    ['an empty item', 'values:\n  l:\n    -\n    - b\n', 'values.l[0]', 'values:\n  l:\n    - b\n'],
    ['the only item', 'values:\n  l:\n    - a\n', 'values.l[0]', 'values:\n  l: []\n'],
    ['an item of a flow list', 'values: {l: [a, b, c]}', 'values.l[2]', 'values: {l: [a, b]}'],
    ['nothing', 'values: {a: 1}', 'values.b.c', 'values: {a: 1}'],
  ]
  it.each(cases)('%s', (_name, before, path, after) => {
    expect(removeValue(before, path)).toBe(after)
  })
})

describe('sealing', () => {
  it('seals every plaintext secret, wherever it is, and nothing else', async () => {
    const before = lines(
      '# c',
      'values:',
      '  a:',
      '    fn::secret: hunter2 # why',
      "  b: {fn::secret: 'x'}",
      '  c: {fn::secret: {ciphertext: abc}}',
      '  d: [fn::secret: y, {fn::secret: 1}]',
      '  e:',
      '    fn::secret: |',
      '      one',
      '      two',
      '',
      '  f: plain',
    )
    const sealed = await sealSecrets(before, conceal)
    expect(sealed.replaceAll(/ZXNj\S+?(?=[},\n ])/g, '…')).toBe(
      lines(
        '# c',
        'values:',
        '  a:',
        '    fn::secret:',
        '      ciphertext: … # why',
        '  b: {fn::secret: {ciphertext: …}}',
        '  c: {fn::secret: {ciphertext: abc}}',
        '  d: [fn::secret: {ciphertext: …}, {fn::secret: 1}]',
        '  e:',
        '    fn::secret:',
        '      ciphertext: …',
        '',
        '  f: plain',
      ),
    )
    expect(await sealSecrets(sealed, conceal)).toBe(sealed)
  })

  it('is undone by revealing', async () => {
    const before = lines(
      'values:',
      '  a:',
      '    fn::secret: hunter2 # why',
      '  b: {fn::secret: "4\\n2"}',
      '  c:',
      '    fn::secret: |',
      '      one',
      '      two',
      '',
      '  d: {fn::secret: "pa$$x"}',
    )
    const sealed = await sealSecrets(before, conceal)
    expect(sealed).not.toMatch(/hunter|one|pa\$/)
    const revealed = await revealSecrets(sealed, unconceal)
    expect(revealed).toBe(before.replace('"pa$$x"', () => 'pa$$x'))
  })

  it('uses the envelope that others read', async () => {
    const sealed = await sealSecrets('values: {a: {fn::secret: x}}', () =>
      Promise.resolve(new Uint8Array([1, 2, 3, 4])),
    )
    expect(sealed).toBe(
      `values: {a: {fn::secret: {ciphertext: ${Buffer.from('657363780000000101020304' + '77573a5a', 'hex').toString('base64')}}}}`,
    )
  })

  it('reveals only under values, and says when an envelope is damaged', async () => {
    const sealed = await sealSecrets('other: {fn::secret: xxxx}\nvalues: {a: {fn::secret: yyyy}}', conceal)
    expect(await revealSecrets(sealed, unconceal)).toMatch(
      /^other: \{fn::secret: \{ciphertext: ZXNj.*\}\}\nvalues: \{a: \{fn::secret: yyyy\}\}$/,
    )
    await expect(revealSecrets('values: {a: {fn::secret: {ciphertext: abcd}}}', unconceal)).rejects.toThrow(
      'invalid ciphertext\nEOF',
    )
    await expect(revealSecrets(sealed, () => Promise.reject(new Error('no key')))).rejects.toThrow('no key')
  })

  it('leaves texts without anything alone, and refuses what is no YAML', async () => {
    expect(await sealSecrets('', conceal)).toBe('')
    expect(await sealSecrets('# only\n', conceal)).toBe('# only\n')
    await expect(sealSecrets('values: [', conceal)).rejects.toThrow(EditError)
  })

  it('keeps the value of what was sealed', async () => {
    const text = values('a: {fn::secret: "hush"}\nb: "x${a}"')
    const { values: result } = await run('open', await sealSecrets(text, conceal))
    expect(result).toEqual({ a: 'hush', b: 'xhush' })
  })
})
