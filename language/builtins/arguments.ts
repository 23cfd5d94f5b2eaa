/** Reading arguments and combining flags: what most builtins do alike. */
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import { EvaluatedValue as Evaluated } from '../evaluation/evaluated-value.ts'
import type { Evaluator } from '../evaluation/evaluator.ts'
import type { Schema } from '../../model/json-schema.ts'
import { accept } from '../schema/accept.ts'
import { STRING_SCHEMA } from '../schema/schemas.ts'
import type { Expression } from '../expressions/expression.ts'
import type { SyntaxNode } from '../syntax/node.ts'
import type { ArgumentReader, Builtin, CallNode, ParsedCall } from './builtin.ts'

export const MISSING: Expression = Object.freeze({ kind: 'missing' })

/** A literal list of exactly two; anything else is reported as `summary`. */
export function parsePair(
  node: SyntaxNode,
  names: readonly [string, string],
  reader: ArgumentReader,
  summary: string,
): ParsedCall {
  const [first, second] = node.kind === 'array' && node.items.length === 2 ? node.items : []
  if (first && second) {
    return { parts: { [names[0]]: reader.expression(first), [names[1]]: reader.expression(second) } }
  }
  reader.skipped(node)
  reader.error(node, summary)
  return { parts: { [names[0]]: MISSING, [names[1]]: MISSING } }
}

export function parseValue(node: SyntaxNode, reader: ArgumentReader): ParsedCall {
  return { parts: { value: reader.expression(node) } }
}

/** The result of a call: unknown and secret when any part of an argument is. */
export function combined(
  call: CallNode,
  schema: Schema,
  args: readonly EvaluatedValue[],
  compute: () => EvaluatedValue['repr'],
): EvaluatedValue {
  const unknown = args.some((argument) => argument.containsUnknown)
  const secret = args.some((argument) => argument.containsSecret)
  return new Evaluated({ def: call, schema, unknown, secret, repr: unknown ? null : compute() })
}

/** A builtin from one string to another; `convert` throws an Error whose message is the diagnostic. */
export function stringBuiltin(name: string, convert: (text: string) => string): Builtin {
  return {
    name,
    resultSchema: STRING_SCHEMA,
    exported: 'value',
    argumentSchema: () => STRING_SCHEMA,
    parse: (argument, _name, reader) => parseValue(argument, reader),
    async evaluate(call, evaluator) {
      const { value, ok } = await evaluator.typed(call.argument('value'), accept(STRING_SCHEMA))
      if (!ok) return evaluator.unknown(call, STRING_SCHEMA)
      return attempt(call, evaluator, value, () =>
        combined(call, STRING_SCHEMA, [value], () => {
          const text = convert(value.repr as string)
          evaluator.session.produce(text.length)
          return text
        }),
      )
    },
  }
}

/** What `compute` returns, or unknown with its error reported at the call, and as secret as the argument. */
export function attempt(
  call: CallNode,
  evaluator: Evaluator,
  argument: EvaluatedValue,
  compute: () => EvaluatedValue,
): EvaluatedValue {
  try {
    return compute()
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error
    evaluator.error(call, error.message)
    const schema = call.expression.builtin.resultSchema
    return new Evaluated({ def: call, schema, unknown: true, secret: argument.containsSecret })
  }
}

/** Why a builtin has no result, in the words of the diagnostic. */
export class BuiltinError extends Error {}
