/** The argument of `fn::rotate`, long and short. */
import type { Expression } from '../expressions/expression.ts'
import type { StringNode, SyntaxNode } from '../syntax/node.ts'
import { MISSING } from './arguments.ts'
import type { ArgumentReader, ParsedCall } from './builtin.ts'
import { providerName } from './open.ts'

const FIELDS = ['inputs', 'state']

export function parseRotate(argument: SyntaxNode, name: StringNode, reader: ArgumentReader): ParsedCall {
  const short = name.value !== 'fn::rotate'
  const fields = reader.record(argument, short ? FIELDS : ['provider', ...FIELDS])
  if (!fields) {
    const wanted = short ? "'inputs' and 'state'" : "'provider', 'inputs' and 'state'"
    reader.error(argument, `the argument to fn::rotate must be an object containing ${wanted}`)
    return { parts: { ...(!short && { provider: MISSING }), inputs: MISSING, state: MISSING } }
  }
  const provider: Expression = short
    ? { kind: 'string', value: name.value.slice('fn::rotate::'.length) }
    : providerName(fields.get('provider'), argument, reader)
  if (!fields.has('inputs')) reader.error(argument, "missing provider inputs ('inputs')")
  return {
    ...(provider.kind === 'string' && { provider: provider.value }),
    parts: {
      ...(!short && { provider }),
      inputs: fields.get('inputs') ?? MISSING,
      state: stateOf(fields.get('state'), reader),
    },
  }
}

// a state is what a rotation writes back: what is computed is an error, and evaluated all the same
function stateOf(given: Expression | undefined, reader: ArgumentReader): Expression {
  if (!given) return { kind: 'null' }
  if (given.kind !== 'object' && given.syntax) {
    reader.error(given.syntax, 'rotation state must be an object literal')
  }
  return given
}
