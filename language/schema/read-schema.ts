/** A value that a definition gives as a schema → the schema, or what is wrong with it. */
import { RE2JS } from 're2js'
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import type { Place } from '../evaluation/session.ts'
import { JsonNumber, setEntry } from '../value.ts'

/** What is wrong, and where. */
export class SchemaError extends Error {
  readonly place: Place | undefined

  constructor(message: string, place?: Place) {
    super(message)
    this.place = place
  }
}

const TYPES = ['string', 'number', 'boolean', 'array', 'object', 'null']
const SCHEMA_LISTS = ['anyOf', 'oneOf', 'prefixItems']
const SCHEMAS = ['items', 'additionalProperties']
const SCHEMA_MAPS = ['$defs', 'properties']
const NUMBERS = ['multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum']
const COUNTS = ['maxLength', 'minLength', 'maxItems', 'minItems', 'maxProperties', 'minProperties']
const STRINGS = ['$ref', 'pattern', 'title', 'description']
const STRING_LISTS = ['required', 'rotateOnly']

/** @throws SchemaError */
export function schemaFrom(value: EvaluatedValue): Schema {
  const reader = new SchemaReader()
  const schema = reader.read(value)
  reader.resolveReferences(schema)
  return schema
}

class SchemaReader {
  readonly #references: string[] = []

  read(value: EvaluatedValue): Schema {
    if (typeof value.repr === 'boolean') return value.repr
    if (!value.object) throw new SchemaError(`expected object, got ${kindOf(value)}`, value.def)
    const schema: Record<string, unknown> = {}
    for (const key of value.keys) {
      const read = this.#keyword(key, value.property(key)!)
      if (read !== undefined) schema[key] = read
    }
    return schema as JSONSchema
  }

  #keyword(key: string, value: EvaluatedValue): unknown {
    if (SCHEMA_LISTS.includes(key)) return listOf(value).map((item) => this.read(item))
    if (SCHEMAS.includes(key)) return this.read(value)
    if (SCHEMA_MAPS.includes(key)) return this.#map(value)
    if (NUMBERS.includes(key) || COUNTS.includes(key)) return numberOf(value)
    if (STRING_LISTS.includes(key)) return listOf(value).map(textOf)
    if (key === 'type') return typeFrom(value)
    if (STRINGS.includes(key)) return this.#string(key, value)
    if (key === 'dependentRequired') return mapOf(value, (item) => listOf(item).map(textOf))
    if (key === 'const' || key === 'default') return dataOf(value)
    if (key === 'enum' || key === 'examples') return listOf(value).map(dataOf)
    return key === 'secret' || key === 'deprecated' || key === 'uniqueItems' ? value.repr === true : undefined
  }

  #map(value: EvaluatedValue): Record<string, Schema> {
    return mapOf(value, (item) => this.read(item))
  }

  #string(key: string, value: EvaluatedValue): string {
    const text = textOf(value)
    if (key === '$ref') this.#reference(text)
    if (key === 'pattern') {
      try {
        RE2JS.compile(text)
      } catch (error) {
        throw new SchemaError(`invalid schema: ${(error as Error).message}`)
      }
    }
    return text
  }

  #reference(text: string): void {
    if (!text.startsWith('#/$defs/')) {
      throw new SchemaError('invalid schema: only fragment references of the form #/$defs/ref are supported')
    }
    this.#references.push(text)
  }

  resolveReferences(schema: Schema): void {
    const definitions = (typeof schema === 'object' && schema.$defs) || {}
    for (const reference of this.#references) {
      const name = reference.slice('#/$defs/'.length)
      if (!Object.hasOwn(definitions, name))
        throw new SchemaError(`invalid schema: unknown subschema ${reference}`)
    }
  }
}

function kindOf(value: EvaluatedValue): string {
  if (value.array) return 'array'
  if (value.object) return 'object'
  if (value.repr instanceof JsonNumber) return 'number'
  return value.repr === null ? 'null' : typeof value.repr
}

function listOf(value: EvaluatedValue): readonly EvaluatedValue[] {
  if (!value.array) throw new SchemaError(`expected array, got ${kindOf(value)}`, value.def)
  return value.array
}

function mapOf<T>(value: EvaluatedValue, read: (item: EvaluatedValue) => T): Record<string, T> {
  if (!value.object) throw new SchemaError(`expected object, got ${kindOf(value)}`, value.def)
  const record: Record<string, T> = {}
  for (const key of value.keys) setEntry(record, key, read(value.property(key)!))
  return record
}

function textOf(value: EvaluatedValue): string {
  if (typeof value.repr === 'string') return value.repr
  throw new SchemaError(`expected string, got ${kindOf(value)}`, value.def)
}

function numberOf(value: EvaluatedValue): number {
  if (value.repr instanceof JsonNumber) return Number(value.repr.text)
  throw new SchemaError(`expected number, got ${kindOf(value)}`, value.def)
}

function typeFrom(value: EvaluatedValue): string {
  const type = textOf(value)
  if (TYPES.includes(type)) return type
  throw new SchemaError(`expected one of ${JSON.stringify(TYPES)}`, value.def)
}

function dataOf(value: EvaluatedValue): unknown {
  if (value.array) return value.array.map(dataOf)
  if (value.object) return mapOf(value, dataOf)
  return value.repr
}
