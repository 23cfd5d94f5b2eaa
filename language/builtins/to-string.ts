/** `fn::toString`: any value as text, as interpolation shows it. */
import { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { textOf } from '../evaluation/text-of.ts'
import { ACCEPT_ANY } from '../schema/accept.ts'
import { STRING_SCHEMA } from '../schema/schemas.ts'
import { parseValue } from './arguments.ts'
import type { Builtin } from './builtin.ts'

export const toString: Builtin = {
  name: 'fn::toString',
  resultSchema: STRING_SCHEMA,
  exported: 'value',
  argumentSchema: () => true,
  parse: (argument, _name, reader) => parseValue(argument, reader),
  async evaluate(call, evaluator) {
    const { text, unknown, secret } = textOf(
      await evaluator.evaluate(call.argument('value'), ACCEPT_ANY),
      evaluator.session,
    )
    evaluator.session.produce(text.length)
    return new EvaluatedValue({
      def: call,
      schema: STRING_SCHEMA,
      repr: unknown ? null : text,
      unknown,
      secret,
    })
  },
}
