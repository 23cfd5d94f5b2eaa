/** `fn::open`, `fn::open::<provider>`: what a login provider answers. */
import { reasonOf } from '../diagnostic.ts'
import type { Expression } from '../expressions/expression.ts'
import type { Provider } from '../host.ts'
import { accept } from '../schema/accept.ts'
import { rotateOnlySpread } from '../schema/rotate-only.ts'
import { record, STRING_SCHEMA } from '../schema/schemas.ts'
import { exportValue } from '../export/export-value.ts'
import { MISSING } from './arguments.ts'
import type { ArgumentReader, Builtin, CallNode } from './builtin.ts'
import { callContext, providerOutput, usableSchema } from './provider-call.ts'
import type { SyntaxNode } from '../syntax/node.ts'

export const open: Builtin = {
  name: 'fn::open',
  shortForm: true,
  resultSchema: true,
  exported: 'object',
  argumentSchema(call) {
    const inputs = rotateOnlySpread(call.argumentSchemas['inputs'] ?? true)
    if (call.expression.name.value !== 'fn::open') return inputs
    return record([
      ['provider', STRING_SCHEMA],
      ['inputs', inputs],
    ])
  },
  parse(argument, name, reader) {
    if (name.value !== 'fn::open') {
      return {
        provider: name.value.slice('fn::open::'.length),
        parts: { inputs: reader.expression(argument) },
      }
    }
    const fields = reader.record(argument, ['provider', 'inputs'])
    if (!fields) {
      reader.error(argument, "the argument to fn::open must be an object containing 'provider' and 'inputs'")
      return { parts: { provider: MISSING, inputs: MISSING } }
    }
    const provider = providerName(fields.get('provider'), argument, reader)
    if (!fields.has('inputs')) reader.error(argument, "missing provider inputs ('inputs')")
    return {
      ...(provider.kind === 'string' && { provider: provider.value }),
      parts: { provider, inputs: fields.get('inputs') ?? MISSING },
    }
  },
  async evaluate(call, evaluator) {
    const { provider: name } = call.expression
    if (name === undefined) return evaluator.unknown(call, true)
    const provider = await load(call, name, evaluator)
    const schemas = provider?.schema() ?? { inputs: true, outputs: true }
    const inputSchema = usableSchema(call, evaluator, schemas.inputs, 'input schema')
    const outputs = usableSchema(call, evaluator, schemas.outputs, 'schema')
    call.argumentSchemas['inputs'] = inputSchema
    call.schema = outputs
    const { value: inputs, ok } = await evaluator.typed(call.argument('inputs'), accept(inputSchema))
    if (!ok || inputs.containsUnknown || evaluator.validating || !provider) {
      return evaluator.unknown(call, outputs)
    }
    return providerOutput(call, evaluator, inputs, outputs, () =>
      provider.open(exportValue(inputs), callContext(call, evaluator)),
    )
  },
}

/** A provider's name, which must be a literal: it decides what the call means before anything is evaluated. */
export function providerName(
  given: Expression | undefined,
  argument: SyntaxNode,
  reader: ArgumentReader,
): Expression {
  if (given?.kind === 'string') return given
  if (given) reader.error(given.syntax ?? argument, 'provider name must be a string literal')
  else reader.error(argument, "missing provider name ('provider')")
  return MISSING
}

async function load(
  call: CallNode,
  name: string,
  evaluator: Parameters<Builtin['evaluate']>[1],
): Promise<Provider | undefined> {
  try {
    const { answers, host } = evaluator.session
    return await answers.ask(call.expression, 'provider', () => host.loadProvider(name))
  } catch (error) {
    evaluator.error(call, reasonOf(error))
    return undefined
  }
}
