/** `fn::toJSON`: the JSON of a value with what it inherits, secrets included; the result is secret then. */
import { jsonText } from '../export/json-text.ts'
import { ACCEPT_ANY } from '../schema/accept.ts'
import { STRING_SCHEMA } from '../schema/schemas.ts'
import { attempt, BuiltinError, combined, parseValue } from './arguments.ts'
import type { Builtin } from './builtin.ts'

export const toJson: Builtin = {
  name: 'fn::toJSON',
  resultSchema: STRING_SCHEMA,
  exported: 'value',
  argumentSchema: () => true,
  parse: (argument, _name, reader) => parseValue(argument, reader),
  async evaluate(call, evaluator) {
    const value = await evaluator.evaluate(call.argument('value'), ACCEPT_ANY)
    return attempt(call, evaluator, value, () =>
      combined(call, STRING_SCHEMA, [value], () => {
        return encode(() => jsonText(value, (length) => evaluator.session.produce(length)))
      }),
    )
  },
}

function encode(compute: () => string): string {
  try {
    return compute()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new BuiltinError(`failed to encode JSON: ${error.message}`)
  }
}
