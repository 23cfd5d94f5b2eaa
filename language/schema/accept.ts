/** What is expected of an expression: a schema, and whether the expression is needed only while rotating. */
import type { Schema } from '../../model/json-schema.ts'
import { itemSchema, propertySchema } from './schemas.ts'

export interface Accept {
  schema: Schema
  rotateOnly: boolean
  /** False where everything is needed whatever the schema says: a call that is about to be rotated. */
  marks: boolean
}

export const ACCEPT_ANY: Accept = Object.freeze({ schema: true, rotateOnly: false, marks: false })

export function accept(schema: Schema): Accept {
  return { schema, rotateOnly: false, marks: true }
}

export function acceptAll(schema: Schema): Accept {
  return { schema, rotateOnly: false, marks: false }
}

export function acceptProperty(expected: Accept, name: string): Accept {
  if (expected === ACCEPT_ANY) return ACCEPT_ANY
  const schema = propertySchema(expected.schema, name)
  const rotateOnly = expected.rotateOnly || (expected.marks && marksRotateOnly(expected.schema, name))
  return { schema, rotateOnly, marks: expected.marks }
}

export function acceptItem(expected: Accept, index: number): Accept {
  if (expected === ACCEPT_ANY) return ACCEPT_ANY
  return { ...expected, schema: itemSchema(expected.schema, index) }
}

function marksRotateOnly(schema: Schema, name: string): boolean {
  if (typeof schema === 'boolean') return false
  if (schema.rotateOnly?.includes(name)) return true
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].some((branch) => marksRotateOnly(branch, name))
}
