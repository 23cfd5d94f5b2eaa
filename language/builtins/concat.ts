/** `fn::concat: [[…], […]]`: the elements of several arrays in one. */
import { accept } from '../schema/accept.ts'
import { arrayOf } from '../schema/schemas.ts'
import { combined } from './arguments.ts'
import type { Builtin } from './builtin.ts'

const ANY_ARRAY = arrayOf(true)
const ARRAYS = arrayOf(ANY_ARRAY)

export const concat: Builtin = {
  name: 'fn::concat',
  resultSchema: ANY_ARRAY,
  exported: 'value',
  argumentSchema: () => ARRAYS,
  parse(argument, _name, reader) {
    const value = reader.expression(argument)
    if (value.kind !== 'array') {
      reader.error(argument, 'the argument to fn::concat must be an array of arrays')
    }
    return { parts: { value } }
  },
  async evaluate(call, evaluator) {
    const { value, ok } = await evaluator.typed(call.argument('value'), accept(ARRAYS))
    if (!ok) return evaluator.unknown(call, ANY_ARRAY)
    evaluator.session.spend(value.size)
    const result = combined(call, ANY_ARRAY, [value], () =>
      (value.array ?? []).flatMap((array) => array.array ?? []),
    )
    return evaluator.bounded(result, call)
  },
}
