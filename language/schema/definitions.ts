/** `$ref` to the definitions of the schema that a value is checked against. */
import type { JSONSchema, Schema } from '../../model/json-schema.ts'
import { definitionName } from './compile-schema.ts'

export type Definitions = Readonly<Record<string, Schema>>

export function definitionsOf(schema: Schema): Definitions {
  return (typeof schema === 'object' && schema.$defs) || {}
}

/** The definition that the schema refers to; `true` for one that does not exist, which checks nothing. */
export function referenced({ $ref }: JSONSchema, definitions: Definitions): Schema | undefined {
  if ($ref === undefined || $ref === '') return undefined
  const name = definitionName($ref)
  return typeof name === 'string' && Object.hasOwn(definitions, name) ? definitions[name] : true
}
