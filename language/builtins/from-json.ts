/** `fn::fromJSON`: the value that a JSON text says; of a secret text everything in it is secret. */
import { evaluatedFrom } from '../evaluation/from-value.ts'
import { JsonError, parseJson } from '../encoding/parse-json.ts'
import { accept } from '../schema/accept.ts'
import { STRING_SCHEMA } from '../schema/schemas.ts'
import { attempt, BuiltinError, combined, parseValue } from './arguments.ts'
import type { Builtin } from './builtin.ts'

export const fromJson: Builtin = {
  name: 'fn::fromJSON',
  resultSchema: true,
  exported: 'value',
  argumentSchema: () => true,
  parse: (argument, _name, reader) => parseValue(argument, reader),
  async evaluate(call, evaluator) {
    const { value, ok } = await evaluator.typed(call.argument('value'), accept(STRING_SCHEMA))
    if (!ok) return evaluator.unknown(call, true)
    if (value.containsUnknown) return combined(call, true, [value], () => null)
    return attempt(call, evaluator, value, () => {
      try {
        const text = value.repr as string
        evaluator.session.produce(text.length)
        const decoded = parseJson(text)
        return evaluator.bounded(evaluatedFrom({ value: decoded.value, secret: value.secret }, call), call)
      } catch (error) {
        if (!(error instanceof JsonError)) throw error
        throw new BuiltinError(`decoding JSON string: ${error.message}`)
      }
    })
  },
}
