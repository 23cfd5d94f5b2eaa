/** `fn::split: [delimiter, string]`; every piece of a secret string is secret. */
import { limits } from '../limits.ts'
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
    const result = combined(call, STRINGS, args, () => {
      const text = string.value.repr as string
      evaluator.session.produce(text.length)
      return pieces(text, delimiter.value.repr as string).map(
        (piece) => new EvaluatedValue({ def: call, repr: piece, schema: STRING_SCHEMA, secret }),
      )
    })
    return evaluator.bounded(result, call)
  },
}

// an empty delimiter splits between code points; more pieces than a value may have are not even made
function pieces(text: string, delimiter: string): string[] {
  const enough = limits.values + 2
  // a code point has two units at most
  return delimiter === '' ? Array.from(text.slice(0, 2 * enough)) : text.split(delimiter, enough)
}
