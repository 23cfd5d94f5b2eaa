/**
 * The JSON-Schema subset in which rotators, logins and `fn::validate` describe values: the keywords that the
 * ESC language knows, with its two annotations `secret` (the value is sealed and redacted) and `rotateOnly`
 * (names of properties that are resolved only while rotating). Types only.
 */
export type Schema = boolean | JSONSchema

export interface JSONSchema {
  $defs?: Record<string, Schema>
  /** Only `#/$defs/<name>`. */
  $ref?: string
  anyOf?: Schema[]
  oneOf?: Schema[]
  prefixItems?: Schema[]
  items?: Schema
  additionalProperties?: Schema
  properties?: Record<string, Schema>
  type?: '' | 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'
  const?: unknown
  enum?: unknown[]
  multipleOf?: number
  maximum?: number
  exclusiveMaximum?: number
  minimum?: number
  exclusiveMinimum?: number
  maxLength?: number
  minLength?: number
  pattern?: string
  maxItems?: number
  minItems?: number
  uniqueItems?: boolean
  maxProperties?: number
  minProperties?: number
  required?: string[]
  dependentRequired?: Record<string, string[]>
  title?: string
  description?: string
  default?: unknown
  deprecated?: boolean
  examples?: unknown[]
  secret?: boolean
  rotateOnly?: string[]
}
