/** `fn::split: [delimiter, string]`; every piece of a secret string is secret. */
import { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { accept } from '../schema/accept.ts'
import { arrayOf, STRING_SCHEMA, tuple } from '../schema/schemas.ts'
import { combined, parsePair } from './arguments.ts'
import type { Builtin } from './builtin.ts'

const STRINGS = arrayOf(STRING_SCHEMA)

export const split: Builtin = {
  name: 'fn::split',
  resultSchema: STRINGS,
  exported: 'list',
  argumentSchema: () => tuple([STRING_SCHEMA, STRING_SCHEMA]),
  parse: (argument, _name, reader) =>
    parsePair(
      argument,
      ['delimiter', 'string'],
      reader,
      'the argument to fn::split must be a two-valued list',
    ),
  async evaluate(call, evaluator) {
    const delimiter = await evaluator.typed(call.argument('delimiter'), accept(STRING_SCHEMA))
    const string = await evaluator.typed(call.argument('string'), accept(STRING_SCHEMA))
    if (!delimiter.ok || !string.ok) return evaluator.unknown(call, STRINGS)
    const args = [delimiter.value, string.value]
    const secret = args.some((argument) => argument.containsSecret)
    return combined(call, STRINGS, args, () => {
      const text = string.value.repr as string
      evaluator.session.produce(text.length)
      return pieces(text, delimiter.value.repr as string).map(
        (piece) => new EvaluatedValue({ def: call, repr: piece, schema: STRING_SCHEMA, secret }),
      )
    })
  },
}

// an empty delimiter splits between code points
function pieces(text: string, delimiter: string): string[] {
  return delimiter === '' ? Array.from(text) : text.split(delimiter)
}
