/** `fn::validate: {schema, value}`: the value, with a diagnostic where it does not fit. */
import { ACCEPT_ANY, accept } from '../schema/accept.ts'
import { SchemaError, schemaFrom } from '../schema/read-schema.ts'
import { record } from '../schema/schemas.ts'
import { fieldsOf } from './arguments.ts'
import type { Builtin } from './builtin.ts'
import { passedThrough } from './final.ts'

export const validate: Builtin = {
  name: 'fn::validate',
  resultSchema: true,
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
    const schemaNode = call.argument('schema')
    const given = await evaluator.evaluate(schemaNode, ACCEPT_ANY)
    const valueNode = call.argument('value')
    try {
      const schema = given.containsUnknown ? undefined : schemaFrom(given)
      const { value } =
        schema === undefined
          ? { value: await evaluator.evaluate(valueNode, ACCEPT_ANY) }
          : await evaluator.typed(valueNode, accept(schema))
      return passedThrough(call, value)
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      evaluator.error(error.place ?? schemaNode, error.message)
      return passedThrough(call, await evaluator.evaluate(valueNode, ACCEPT_ANY))
    }
  },
}
