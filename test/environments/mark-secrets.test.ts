import { expect, test } from 'vitest'
import { markSecrets } from '../../environments/mark-secrets.ts'
import { JsonNumber, type Value } from '../../language/index.ts'
import type { JSONSchema } from '../../model/json-schema.ts'

const credential: JSONSchema = {
  type: 'object',
  properties: { username: { type: 'string' }, password: { type: 'string', secret: true } },
}
const login = (extra: Partial<Value> = {}): Value => ({
  value: { username: { value: 'u' }, password: { value: 'p', ...extra } },
})

test('a leaf that the schema calls secret is marked, the others are not', () => {
  const schema: JSONSchema = { properties: { current: credential } }
  expect(markSecrets({ value: { current: login() } }, schema)).toEqual({
    value: { current: login({ secret: true }) },
  })
})

test('what is marked already stays the same object', () => {
  const value: Value = { value: { current: login({ secret: true }), age: { value: new JsonNumber('1') } } }
  expect(markSecrets(value, { properties: { current: credential } })).toBe(value)
  expect(markSecrets(value, true)).toBe(value)
})

test.each<[string, JSONSchema]>([
  ['a reference', { $defs: { c: credential }, properties: { current: { $ref: '#/$defs/c' } } }],
  ['an alternative', { properties: { current: { anyOf: [{ type: 'null' }, credential] } } }],
  ['one of several', { properties: { current: { oneOf: [credential, { type: 'string' }] } } }],
  ['any other property', { additionalProperties: credential }],
])('it is found behind %s', (_name, schema) => {
  expect(markSecrets({ value: { current: login() } }, schema)).toEqual({
    value: { current: login({ secret: true }) },
  })
})

test('elements of a list follow their own place, then the rest', () => {
  const schema: JSONSchema = { prefixItems: [{ type: 'string' }], items: { secret: true } }
  const value: Value = { value: [{ value: 'a' }, { value: 'b' }] }
  expect(markSecrets(value, schema)).toEqual({ value: [{ value: 'a' }, { value: 'b', secret: true }] })
})
