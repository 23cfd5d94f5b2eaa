/** What a value must be like to be a schema. */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'

const SCHEMA: Schema = { $ref: '#/$defs/schema' }
const STRING: Schema = { type: 'string' }
const NUMBER: Schema = { type: 'number' }
const BOOLEAN: Schema = { type: 'boolean' }
const ARRAY: Schema = { type: 'array' }
const SCHEMAS: Schema = { type: 'array', items: SCHEMA }
const NAMED_SCHEMAS: Schema = { type: 'object', additionalProperties: SCHEMA }
const STRINGS: Schema = { type: 'array', items: STRING }
const TYPES = ['string', 'number', 'boolean', 'array', 'object', 'null']

const PROPERTIES: NonNullable<JSONSchema['properties']> = {
  $defs: NAMED_SCHEMAS,
  $ref: STRING,
  anyOf: SCHEMAS,
  oneOf: SCHEMAS,
  prefixItems: SCHEMAS,
  items: SCHEMA,
  additionalProperties: SCHEMA,
  properties: NAMED_SCHEMAS,
  type: { type: 'string', enum: TYPES },
  const: {},
  enum: ARRAY,
  multipleOf: NUMBER,
  maximum: NUMBER,
  exclusiveMaximum: NUMBER,
  minimum: NUMBER,
  exclusiveMinimum: NUMBER,
  maxLength: NUMBER,
  minLength: NUMBER,
  pattern: STRING,
  maxItems: NUMBER,
  minItems: NUMBER,
  uniqueItems: BOOLEAN,
  maxProperties: NUMBER,
  minProperties: NUMBER,
  required: STRINGS,
  dependentRequired: { type: 'object', additionalProperties: STRINGS },
  title: STRING,
  description: STRING,
  default: {},
  deprecated: BOOLEAN,
  examples: ARRAY,
}

/** Names of the keywords that mean something. */
export const KEYWORDS: ReadonlySet<string> = new Set([...Object.keys(PROPERTIES), 'secret', 'rotateOnly'])

/** Keywords that are not known may be anything, and mean nothing. */
export const SCHEMA_SCHEMA: Schema = {
  ...SCHEMA,
  $defs: { schema: { anyOf: [BOOLEAN, { type: 'object', properties: PROPERTIES }] } },
}
