/** Values ↔ plain JavaScript data, for rotators and whoever else works with data rather than values. */
import type { JSONSchema, Schema } from '../model/json-schema.ts'
import { isObjectValue, JsonNumber, setEntry, type Value } from './value.ts'

/**
 * The data of a value, secrets revealed. A number that a double holds exactly becomes a number, any other stays a
 * `JsonNumber`. What is unknown becomes undefined, and is left out of objects.
 */
export function toPlain(value: Value): unknown {
  if (value.unknown) return undefined
  const data = value.value
  if (data instanceof JsonNumber) return plainNumber(data)
  if (Array.isArray(data)) return data.map(toPlain)
  if (!isObjectValue(data)) return data
  const plain: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(data)) {
    const inner = toPlain(item)
    if (inner !== undefined) setEntry(plain, key, inner)
  }
  return plain
}

/**
 * Data as a value. Leaves that the schema calls `secret` are marked so, and everything inside a container that it
 * calls secret; `undefined` properties are left out.
 * @throws TypeError for what no JSON can say: functions, symbols, bigints beyond text, infinities
 */
export function fromPlain(plain: unknown, schema: Schema = true, withinSecret = false): Value {
  const secret = withinSecret || isSecret(schema)
  const marked = (value: Value['value']): Value => ({ value, ...(secret && { secret: true }) })
  if (plain === null || plain === undefined) return marked(null)
  if (typeof plain === 'string' || typeof plain === 'boolean') return marked(plain)
  if (plain instanceof JsonNumber) return marked(plain)
  if (typeof plain === 'number' && Number.isFinite(plain)) return marked(new JsonNumber(String(plain)))
  if (typeof plain === 'bigint') return marked(new JsonNumber(plain.toString()))
  if (Array.isArray(plain)) {
    return { value: plain.map((item, index) => fromPlain(item, itemOf(schema, index), secret)) }
  }
  if (typeof plain !== 'object') throw new TypeError(`a ${typeof plain} is no value`)
  const properties: Record<string, Value> = {}
  for (const [key, item] of Object.entries(plain)) {
    if (item !== undefined) setEntry(properties, key, fromPlain(item, propertyOf(schema, key), secret))
  }
  return { value: properties }
}

function plainNumber(number: JsonNumber): number | JsonNumber {
  const value = Number(number.text)
  return sameDecimal(String(value), number.text) ? value : number
}

/** True when two decimal texts are the same number, digit for digit. */
export function sameDecimal(a: string, b: string): boolean {
  const left = decimal(a)
  const right = decimal(b)
  return left !== undefined && right !== undefined && left === right
}

/** Sign, significant digits and exponent, e.g. `-125e-1`. */
function decimal(text: string): string | undefined {
  const match = /^([-+]?)(\d*)(?:\.(\d*))?(?:e([-+]?\d+))?$/i.exec(text)
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  const shift = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length)
  return `${sign === '-' ? '-' : ''}${significant}e${shift}`
}

function isSecret(schema: Schema): boolean {
  return branches(schema).some((branch) => branch.secret === true)
}

function propertyOf(schema: Schema, key: string): Schema {
  return union(
    branches(schema).map(({ properties, additionalProperties }) => {
      return properties && Object.hasOwn(properties, key) ? properties[key] : additionalProperties
    }),
  )
}

function itemOf(schema: Schema, index: number): Schema {
  return union(branches(schema).map(({ prefixItems, items }) => prefixItems?.[index] ?? items))
}

// which branch of a union a value belongs to does not matter: secret in one is secret
function union(schemas: (Schema | undefined)[]): Schema {
  return { anyOf: schemas.filter((schema) => schema !== undefined) }
}

function branches(schema: Schema): JSONSchema[] {
  if (typeof schema === 'boolean') return []
  return [schema, ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(branches)]
}
