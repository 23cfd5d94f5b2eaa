/** `fn::join: [delimiter, [strings]]`. */
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { accept } from '../schema/accept.ts'
import { arrayOf, STRING_SCHEMA, tuple } from '../schema/schemas.ts'
import { combined, parsePair } from './arguments.ts'
import type { Builtin } from './builtin.ts'

const STRINGS = arrayOf(STRING_SCHEMA)

export const join: Builtin = {
  name: 'fn::join',
  resultSchema: STRING_SCHEMA,
  exported: 'list',
  argumentSchema: () => tuple([STRING_SCHEMA, STRINGS]),
  parse: (argument, _name, reader) =>
    parsePair(
      argument,
      ['delimiter', 'values'],
      reader,
      'the argument to fn::join must be a two-valued list',
    ),
  async evaluate(call, evaluator) {
    const delimiter = await evaluator.typed(call.argument('delimiter'), accept(STRING_SCHEMA))
    const values = await evaluator.typed(call.argument('values'), accept(STRINGS))
    if (!delimiter.ok || !values.ok) return evaluator.unknown(call, STRING_SCHEMA)
    return combined(call, STRING_SCHEMA, [delimiter.value, values.value], () => {
      const strings = (values.value.array ?? []).map((value: EvaluatedValue) => value.repr as string)
      const separator = delimiter.value.repr as string
      evaluator.session.produce(strings.reduce((sum, text) => sum + text.length + separator.length, 0))
      return strings.join(separator)
    })
  },
}
