import { describe, expect, it } from 'vitest'
import { check, fromPlain, JsonNumber, load, open, toJSON, toPlain, toWire } from '../../language/index.ts'
import { testHost, values } from './support.ts'

const ENVIRONMENTS = { 'team/base': values('db: {host: db1}') }
const TEXT = `imports: [team/base]
values:
  db: {host: db2, pw: {fn::secret: s3}}
  url: pg://\${db.host}
  nothing: null
  n: 1.50
  big: 18446744073709551615
`

async function wire(text: string, mode: typeof check | typeof open = open) {
  const { document } = load('app/prod', text)
  const { environment } = await mode(document, testHost({ environments: ENVIRONMENTS }))
  return toWire(environment)
}

describe('toWire', () => {
  it('shows values with their traces', async () => {
    const { properties } = JSON.parse(await wire(TEXT)) as { properties: Record<string, unknown> }
    expect(properties['db']).toEqual({
      value: {
        host: {
          value: 'db2',
          trace: {
            def: {
              environment: 'app/prod',
              begin: { line: 3, column: 14, byte: 42 },
              end: { line: 3, column: 17, byte: 45 },
            },
            base: {
              value: 'db1',
              trace: {
                def: {
                  environment: 'team/base',
                  begin: { line: 2, column: 14, byte: 21 },
                  end: { line: 2, column: 17, byte: 24 },
                },
              },
            },
          },
        },
        pw: {
          value: 's3',
          secret: true,
          trace: { def: expect.objectContaining({ begin: { line: 3, column: 36, byte: 64 } }) as unknown },
        },
      },
      trace: {
        def: {
          environment: 'app/prod',
          begin: { line: 3, column: 7, byte: 35 },
          end: { line: 3, column: 38, byte: 66 },
        },
        base: expect.objectContaining({
          value: { host: expect.objectContaining({ value: 'db1' }) as unknown },
        }) as unknown,
      },
    })
    expect(properties['nothing']).not.toHaveProperty('value')
  })

  it('keeps the digits of numbers', async () => {
    const text = await wire(TEXT)
    expect(text).toContain('"big":{"value":18446744073709551615,')
    expect(text).toContain('"n":{"value":1.5,')
  })

  it('shows what was written, and where its references lead', async () => {
    const { exprs, schema, executionContext } = JSON.parse(await wire(TEXT)) as {
      exprs: Record<string, Record<string, unknown>>
      schema: unknown
      executionContext: { properties: Record<string, unknown> }
    }
    expect(Object.keys(exprs)).toEqual(['big', 'db', 'n', 'nothing', 'url'])
    expect(exprs['url']).toMatchObject({
      schema: { type: 'string' },
      interpolate: [
        {
          text: 'pg://',
          value: [
            {
              key: 'db',
              range: { begin: { line: 4, column: 15 } },
              value: { begin: { line: 3, column: 7 } },
            },
            {
              key: 'host',
              range: { begin: { line: 4, column: 17 } },
              value: { begin: { line: 3, column: 14 } },
            },
          ],
        },
      ],
    })
    expect(exprs['db']).toMatchObject({
      base: { range: { environment: 'team/base' }, object: { host: { literal: 'db1' } } },
      keyRanges: { host: { begin: { column: 8 } }, pw: { begin: { column: 19 } } },
      object: {
        host: { literal: 'db2' },
        pw: { builtin: { name: 'fn::secret', argSchema: true, arg: { literal: 's3' } } },
      },
    })
    expect(exprs['nothing']).toEqual({ range: expect.anything() as unknown, schema: { type: 'null' } })
    expect(schema).toMatchObject({
      type: 'object',
      required: ['big', 'db', 'n', 'nothing', 'url'],
      properties: { url: { type: 'string' }, n: { type: 'number', const: 1.5 } },
    })
    expect(executionContext.properties).toMatchObject({
      currentEnvironment: { value: { name: { value: 'app/prod' } } },
      rootEnvironment: { value: { name: { value: 'app/prod' } } },
    })
  })

  it('shows calls with their schemas', async () => {
    const text = values(
      'a: {fn::open::echo: {x: 1}}\nb: {fn::join: [",", []]}\nc: {fn::open: {provider: echo, inputs: {}}}',
    )
    const { exprs, properties } = JSON.parse(await wire(text, check)) as {
      exprs: Record<string, { builtin: Record<string, unknown> }>
      properties: Record<string, unknown>
    }
    expect(exprs['a']!.builtin).toMatchObject({
      name: 'fn::open::echo',
      arg: { object: { x: { literal: 1 } } },
    })
    expect(exprs['b']!.builtin).toMatchObject({
      argSchema: { items: false, type: 'array' },
      arg: { list: [{ literal: ',' }, {}] },
    })
    expect(exprs['c']!.builtin).toMatchObject({
      arg: { object: { provider: { literal: 'echo' }, inputs: {} } },
    })
    expect(properties['a']).toMatchObject({ unknown: true })
    expect(properties['a']).not.toHaveProperty('value')
  })

  it('is null for no environment, and says when a number is none', async () => {
    expect(toWire(null)).toBe('null')
    expect(toJSON(null, { redact: true })).toBe('null')
    await expect(wire(values('a: .nan'))).rejects.toThrow(RangeError)
  })
})

describe('plain values', () => {
  it('there and back', () => {
    const plain = { a: 1, b: [true, null, 'x'], c: { d: 1.5 } }
    expect(toPlain(fromPlain(plain))).toEqual(plain)
  })

  it('keep numbers that a double cannot hold', () => {
    expect(toPlain({ value: new JsonNumber('12345678901234567890') })).toEqual(
      new JsonNumber('12345678901234567890'),
    )
    expect(toPlain({ value: new JsonNumber('1.50e1') })).toBe(15)
    expect(toPlain({ value: { a: { value: null, unknown: true }, b: { value: 1 as never } } })).toEqual({
      b: 1,
    })
  })

  it('mark what the schema calls secret, also through unions and containers', () => {
    const value = fromPlain(
      { list: [{ password: 'p', user: 'u' }], all: { x: ['y'] }, either: { password: 'q' } },
      {
        properties: {
          list: { items: { properties: { password: { secret: true } } } },
          all: { secret: true },
          either: { oneOf: [{ type: 'null' }, { additionalProperties: { secret: true } }] },
        },
      },
    )
    expect(value).toEqual({
      value: {
        list: { value: [{ value: { password: { value: 'p', secret: true }, user: { value: 'u' } } }] },
        all: { value: { x: { value: [{ value: 'y', secret: true }] } } },
        either: { value: { password: { value: 'q', secret: true } } },
      },
    })
  })

  it.each([[() => 1], [Number.NaN], [Symbol('x')]])('refuse %s', (plain) => {
    expect(() => fromPlain({ a: plain })).toThrow(TypeError)
  })
})
