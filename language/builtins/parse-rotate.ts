/** The argument of `fn::rotate`, long and short. */
import type { StringNode, SyntaxNode } from '../syntax/node.ts'
import { fieldsOf } from './arguments.ts'
import type { ArgumentReader, ParsedCall } from './builtin.ts'
import { parseProviderName } from './open.ts'

export function parseRotate(argument: SyntaxNode, name: StringNode, reader: ArgumentReader): ParsedCall {
  const short = name.value !== 'fn::rotate'
  if (argument.kind !== 'object') {
    const fields = short ? "'inputs' and 'state'" : "'provider', 'inputs' and 'state'"
    reader.error(argument, `the argument to fn::rotate must be an object containing ${fields}`)
    return { parts: { state: { kind: 'null' } } }
  }
  const fields = fieldsOf(argument)
  const provider = short
    ? ({ kind: 'string', value: name.value.slice('fn::rotate::'.length) } as const)
    : parseProviderName(fields.get('provider'), argument, reader)
  if (!fields.has('inputs')) reader.error(argument, "missing provider inputs ('inputs')")
  return {
    ...(provider?.kind === 'string' && { provider: provider.value }),
    parts: {
      ...(!short && { provider: provider ?? { kind: 'missing' } }),
      inputs: reader.expression(fields.get('inputs')),
      state: parseState(fields.get('state'), reader),
    },
  }
}

// a state is what a rotation writes back: nothing that is computed
function parseState(node: SyntaxNode | undefined, reader: ArgumentReader): ParsedCall['parts'][string] {
  if (!node) return { kind: 'null' }
  const state = reader.expression(node)
  if (state.kind === 'object') return state
  reader.error(node, 'rotation state must be an object literal')
  return { kind: 'missing' }
}
