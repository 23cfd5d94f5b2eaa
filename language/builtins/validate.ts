/** `fn::validate: {schema, value}`: the value, with a diagnostic where it does not fit. */
import type { Schema } from '../../model/json-schema.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import type { Evaluator } from '../evaluation/evaluator.ts'
import { ACCEPT_ANY, accept } from '../schema/accept.ts'
import { schemaProblem } from '../schema/compile-schema.ts'
import { schemaFrom, SchemaError } from '../schema/read-schema.ts'
import { SCHEMA_SCHEMA } from '../schema/schema-schema.ts'
import { record } from '../schema/schemas.ts'
import { MISSING } from './arguments.ts'
import type { Builtin, CallNode } from './builtin.ts'
import { passedThrough } from './final.ts'

const FIELDS = ['schema', 'value']

export const validate: Builtin = {
  name: 'fn::validate',
  resultSchema: true,
  passesThrough: true,
  exported: 'object',
  argumentSchema: () =>
    record([
      ['schema', SCHEMA_SCHEMA],
      ['value', true],
    ]),
  parse(argument, _name, reader) {
    const fields = reader.record(argument, FIELDS)
    if (!fields) {
      reader.error(argument, "the argument to fn::validate must be an object containing 'schema' and 'value'")
      return { parts: { schema: MISSING, value: MISSING } }
    }
    for (const field of FIELDS) {
      if (!fields.has(field)) reader.error(argument, `missing required property '${field}'`)
    }
    return { parts: { schema: fields.get('schema') ?? MISSING, value: fields.get('value') ?? MISSING } }
  },
  async evaluate(call, evaluator) {
    const given = await readSchema(call, evaluator)
    const valueNode = call.argument('value')
    if (given === undefined) return passedThrough(call, await evaluator.evaluate(valueNode, ACCEPT_ANY))
    const { value } = await evaluator.typed(valueNode, accept(given.schema), given.refusal)
    return passedThrough(call, value)
  },
}

const SECRET_SCHEMA = 'the value does not fit its schema, parts of which are secret'

/** Undefined where the schema is not known or none: the value passes unchecked then. */
async function readSchema(
  call: CallNode,
  evaluator: Evaluator,
): Promise<{ schema: Schema; refusal?: string } | undefined> {
  const node = call.argument('schema')
  const { value, ok } = await evaluator.typed(node, accept(SCHEMA_SCHEMA))
  if (!ok || value.containsUnknown) return undefined
  const secret = value.containsSecret
  const { schema, problem } = compiled(value)
  if (problem === undefined) return { schema, ...(secret && { refusal: SECRET_SCHEMA }) }
  evaluator.error(node, `invalid schema: ${secret ? 'parts of it are secret' : problem}`)
  return undefined
}

function compiled(value: EvaluatedValue): { schema: Schema; problem?: string | undefined } {
  try {
    const schema = schemaFrom(value)
    return { schema, problem: schemaProblem(schema) }
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    return { schema: true, problem: error.message }
  }
}
