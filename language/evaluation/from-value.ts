/** Plain values from a host or provider → evaluated ones, all defined by the expression that asked for them. */
import { limits } from '../limits.ts'
import { nestingMessage } from '../syntax/yaml-document.ts'
import { JsonNumber, type Value } from '../value.ts'
import { EvaluatedValue, type Representation } from './evaluated-value.ts'
import type { ExpressionNode } from './expression-node.ts'

/**
 * A secret container makes everything inside it secret.
 * @throws Error when the value is nested too deeply
 */
export function evaluatedFrom(
  value: Value,
  def: ExpressionNode,
  withinSecret = def.secret,
  depth = 1,
): EvaluatedValue {
  if (depth > limits.nesting) throw new Error(nestingMessage())
  const secret = withinSecret || value.secret === true
  const inner = (item: Value): EvaluatedValue => evaluatedFrom(item, def, secret, depth + 1)
  let repr: Representation
  if (Array.isArray(value.value)) repr = value.value.map(inner)
  else if (value.value instanceof JsonNumber) repr = value.value
  else if (typeof value.value === 'object' && value.value !== null) {
    repr = new Map(Object.entries(value.value).map(([key, item]) => [key, inner(item)] as const))
  } else repr = value.value
  return new EvaluatedValue({ def, repr, secret, unknown: value.unknown ?? false })
}
