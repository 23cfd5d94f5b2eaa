import { expect, test } from 'vitest'
import type { JSONSchema } from '../../model/json-schema.ts'
import { schemaRows } from '../../model/schema-rows.ts'

function rowsOf(schema: JSONSchema): string[] {
  return schemaRows(schema).map((row) =>
    [
      row.path,
      row.type,
      row.isRequired ? 'required' : '',
      row.isSecret ? 'secret' : '',
      row.isRotateOnly ? 'rotate-only' : '',
      row.isDeprecated ? 'deprecated' : '',
      row.meaning,
    ]
      .filter((part) => part !== '')
      .join(' | '),
  )
}

test('properties by their paths, each before what is below it, with marks and in sentences', () => {
  const login: JSONSchema = {
    type: 'object',
    description: 'Who manages it.',
    properties: { password: { type: 'string', secret: true } },
    required: ['password'],
  }
  expect(
    rowsOf({
      type: 'object',
      properties: {
        database: { type: 'object', properties: { login }, rotateOnly: ['login'] },
        mode: { type: 'string', enum: ['fast', 'safe'], default: 'safe', deprecated: true },
        length: { type: 'number', minimum: 8, maximum: 64 },
        shortest: { type: 'number', minimum: 0 },
        parts: { type: 'array', items: { type: 'string', enum: ['a', 'b'] }, description: 'In order.' },
        anything: true,
        nothing: false,
      },
      required: ['database'],
    }),
  ).toEqual([
    'database | object | required',
    'database.login | object | rotate-only | Who manages it.',
    'database.login.password | string | required | secret',
    'mode | string | deprecated | One of fast, safe. Default: "safe".',
    'length | number | From 8 to 64.',
    'shortest | number | At least 0.',
    'parts | array of strings | In order. Each is one of a, b.',
    'anything | any',
  ])
})

test('alternatives, items, further properties and definitions are followed, each path once', () => {
  expect(
    rowsOf({
      $defs: { user: { type: 'object', properties: { name: { type: 'string' } } } },
      properties: {
        port: { anyOf: [{ type: 'number', minimum: 1, maximum: 65535 }, { type: 'string' }] },
        via: {
          oneOf: [
            { type: 'object', properties: { arn: { type: 'string' }, region: { type: 'string' } } },
            { type: 'object', properties: { arn: { type: 'string' }, url: { type: 'string' } } },
          ],
        },
        users: { type: 'array', items: { $ref: '#/$defs/user' } },
        labels: { type: 'object', additionalProperties: { properties: { color: { type: 'string' } } } },
      },
    }),
  ).toEqual([
    'port | number or string | From 1 to 65535.',
    'via | object',
    'via.arn | string',
    'via.region | string',
    'via.url | string',
    'users | array',
    'users[].name | string',
    'labels | object',
    'labels.*.color | string',
  ])
})

test('a schema that holds itself ends', () => {
  const tree: JSONSchema = { $defs: {}, properties: { child: { $ref: '#/$defs/node' } } }
  tree.$defs = { node: { type: 'object', properties: { child: { $ref: '#/$defs/node' } } } }
  expect(rowsOf(tree)).toEqual(['child | object', 'child.child | object'])
})

test('values stand in sentences as the caller wants them', () => {
  const schema: JSONSchema = { properties: { a: { enum: ['x'], default: 1 } } }
  expect(schemaRows(schema, (value) => `<${value}>`)[0]!.meaning).toBe('One of <x>. Default: <1>.')
})
