/** What nothing is known of, not even where it would be defined. */
import { EvaluatedValue } from './evaluated-value.ts'
import { ExpressionNode } from './expression-node.ts'

export function missingValue(): EvaluatedValue {
  return new EvaluatedValue({ def: new ExpressionNode({ kind: 'missing' }), unknown: true })
}
