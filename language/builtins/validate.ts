/** `fn::validate: {schema, value}`: the value, with a diagnostic where it does not fit. */
import type { Schema } from '../../model/json-schema.ts'
import type { Evaluator } from '../evaluation/evaluator.ts'
import { ACCEPT_ANY, accept } from '../schema/accept.ts'
import { schemaProblem } from '../schema/compile-schema.ts'
import { schemaFrom } from '../schema/read-schema.ts'
import { SCHEMA_SCHEMA } from '../schema/schema-schema.ts'
import { record } from '../schema/schemas.ts'
import { fieldsOf } from './arguments.ts'
import type { Builtin, CallNode } from './builtin.ts'
import { passedThrough } from './final.ts'

export const validate: Builtin = {
  name: 'fn::validate',
  resultSchema: true,
  passesThrough: true,
  exported: 'object',
  argumentSchema: () =>
    record([
      ['schema', true],
      ['value', true],
    ]),
  parse(argument, _name, reader) {
    if (argument.kind !== 'object') {
      reader.error(argument, "the argument to fn::validate must be an object containing 'schema' and 'value'")
      return { parts: {} }
    }
    const fields = fieldsOf(argument)
    for (const field of ['schema', 'value']) {
      if (!fields.has(field)) reader.error(argument, `missing required property '${field}'`)
    }
    return {
      parts: {
        schema: reader.expression(fields.get('schema')),
        value: reader.expression(fields.get('value')),
      },
    }
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
  const schema = schemaFrom(value)
  const secret = value.containsSecret
  const problem = schemaProblem(schema)
  if (problem === undefined) return { schema, ...(secret && { refusal: SECRET_SCHEMA }) }
  evaluator.error(node, `invalid schema: ${secret ? 'parts of it are secret' : problem}`)
  return undefined
}
