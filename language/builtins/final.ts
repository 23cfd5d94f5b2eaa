/** `fn::final`: a value that no environment importing this one may override. */
import { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { ACCEPT_ANY } from '../schema/accept.ts'
import { parseValue } from './arguments.ts'
import type { Builtin, CallNode } from './builtin.ts'

export const final: Builtin = {
  name: 'fn::final',
  resultSchema: true,
  passesThrough: true,
  exported: 'value',
  argumentSchema: () => true,
  parse: (argument, _name, reader) => parseValue(argument, reader),
  async evaluate(call, evaluator) {
    const value = await evaluator.evaluate(call.argument('value'), ACCEPT_ANY)
    return passedThrough(call, value).with({ final: true })
  },
}

/** The same value as the call's own: one secret or unknown part makes all of it so, and it inherits nothing. */
export function passedThrough(call: CallNode, value: EvaluatedValue): EvaluatedValue {
  return new EvaluatedValue({
    def: call,
    repr: value.repr,
    schema: value.schema,
    unknown: value.containsUnknown,
    secret: value.containsSecret,
  })
}
