/** What calls of providers and rotators share: the context that they see, and what becomes of their answer. */
import type { Schema } from '../../model/json-schema.ts'
import { formatPropertyPath } from '../../model/property-path.ts'
import { reasonOf } from '../diagnostic.ts'
import type { EvaluatedValue } from '../evaluation/evaluated-value.ts'
import type { Evaluator } from '../evaluation/evaluator.ts'
import { evaluatedFrom } from '../evaluation/from-value.ts'
import { exportValue } from '../export/export-value.ts'
import type { CallExpression } from '../expressions/expression.ts'
import type { Context } from '../host.ts'
import { schemaProblem } from '../schema/compile-schema.ts'
import { pathSegments } from '../syntax/path.ts'
import type { Value } from '../value.ts'
import type { CallNode } from './builtin.ts'

export function callContext(call: CallNode, evaluator: Evaluator): Context {
  return {
    values: exportValue(evaluator.context),
    rootEnvironment: evaluator.rootName,
    currentEnvironment: evaluator.document.name,
    path: callPath(call.expression),
  }
}

/** Property path of a call, relative to `values`. */
export function callPath(call: CallExpression): string {
  const known = paths.get(call)
  if (known !== undefined) return known
  const path = formatPropertyPath(callSegments(call).slice(1))
  paths.set(call, path)
  return path
}

const paths = new WeakMap<CallExpression, string>()

/** Segments from the document's root. */
export function callSegments(call: CallExpression): (string | number)[] {
  return call.syntax ? pathSegments(call.syntax.path) : []
}

/** The answer as the call's value; a rejection is reported at the call and leaves it unknown. */
export async function providerOutput(
  call: CallNode,
  evaluator: Evaluator,
  inputs: EvaluatedValue,
  outputs: Schema,
  answer: () => Promise<Value>,
): Promise<EvaluatedValue> {
  if (!inputs.object) {
    evaluator.error(call.argument('inputs'), 'inputs must be an object')
    return evaluator.unknown(call, outputs)
  }
  const { answers, speculation } = evaluator.session
  if (speculation && !answers.isAnswered(call.expression, 'open')) {
    speculation.wantCall(call.expression, () => answers.ask(call.expression, 'open', answer))
    return evaluator.unknown(call, outputs)
  }
  try {
    const value = await answers.ask(call.expression, 'open', answer)
    if (!value.unknown) return evaluator.bounded(evaluatedFrom(value, call), call)
    evaluator.session.unanswered = true
    return evaluator.unknown(call, outputs)
  } catch (error) {
    evaluator.error(call, reasonOf(error))
    return evaluator.unknown(call, outputs)
  }
}

/** The schema itself, or one that accepts anything where it is unusable, which is reported as the provider's fault. */
export function usableSchema(call: CallNode, evaluator: Evaluator, schema: Schema, name: string): Schema {
  const problem = schemaProblem(schema)
  if (problem === undefined) return schema
  evaluator.error(call, `internal error: invalid ${name} (${problem})`)
  return true
}
