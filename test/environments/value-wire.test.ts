import { describe, expect, test } from 'vitest'
import { environmentWire, propertyWire } from '../../environments/value-wire.ts'
import { JsonNumber, type Value } from '../../language/index.ts'
import { withProperties } from '../support/environments.ts'

const properties: Record<string, Value> = {
  db: {
    value: {
      ports: {
        value: [{ value: new JsonNumber('5432') }, { value: new JsonNumber('12345678901234567890') }],
      },
      'odd key': { value: 'x', secret: true },
      nothing: { value: null },
    },
  },
}

describe('a property', () => {
  test.each([
    ['db.ports[1]', '{"value":12345678901234567890,"trace":{}}'],
    ['db["odd key"]', '{"value":"x","secret":true,"trace":{}}'],
    ['db.nothing', '{"trace":{}}'],
    [
      'db.ports',
      '{"value":[{"value":5432,"trace":{}},{"value":12345678901234567890,"trace":{}}],"trace":{}}',
    ],
  ])('%s', (path, wire) => {
    expect(propertyWire(withProperties(properties), path)).toBe(wire)
  })
  test.each([
    'db.ports[2]',
    'db.ports.x',
    'db[0]',
    'db.ports[1].x',
    'db.nothing.x',
    'toString',
    'db.__proto__',
  ])('there is no %s', (path) => {
    expect(() => propertyWire(withProperties(properties), path)).toThrow('there is no property')
  })
  test('a path that is none says why; an environment without values has no property', () => {
    expect(() => propertyWire(withProperties(properties), 'db[')).toThrow('not a property path')
    expect(() => propertyWire(null, 'db')).toThrow('there is no property db')
  })
})

test('what a value overrides is part of it', () => {
  const range = {
    environment: 'app/prod',
    begin: { line: 1, column: 2, byte: 1 },
    end: { line: 1, column: 3, byte: 2 },
  }
  const value: Value = { value: true, unknown: true, trace: { def: range, base: { value: 'a"b' } } }
  expect(JSON.parse(propertyWire(withProperties({ v: value }), 'v'))).toEqual({
    value: true,
    unknown: true,
    trace: { def: range, base: { value: 'a"b', trace: {} } },
  })
})

test('what JSON has no words for is refused', () => {
  const values = withProperties({ n: { value: new JsonNumber('+Inf') } })
  expect(() => propertyWire(values, 'n')).toThrow(expect.objectContaining({ kind: 'invalid' }))
  expect(() => environmentWire(values)).toThrow('the values cannot be sent: ')
  expect(environmentWire(null)).toBe('{}')
})
