/** What `${context…}` shows: the host's values, and the names of the current and the root environment. */
import { isObjectValue, setEntry, type Value } from '../value.ts'
import type { EvaluatedValue } from './evaluated-value.ts'
import type { Evaluator } from './evaluator.ts'
import { ExpressionNode } from './expression-node.ts'
import { evaluatedFrom } from './from-value.ts'

const OWN_KEYS = ['currentEnvironment', 'rootEnvironment']

export function contextValue(evaluator: Evaluator): EvaluatedValue {
  const given = evaluator.session.host.context.value
  const values: Record<string, Value> = {}
  for (const [key, value] of isObjectValue(given) ? Object.entries(given) : []) {
    if (OWN_KEYS.includes(key)) evaluator.error({}, `reserved context key: "${key}"`)
    else setEntry(values, key, value)
  }
  values['currentEnvironment'] = { value: { name: { value: evaluator.document.name } } }
  values['rootEnvironment'] = { value: { name: { value: evaluator.rootName } } }
  return evaluatedFrom(
    { value: values },
    new ExpressionNode({ kind: 'symbol', access: [{ key: 'context' }] }),
  )
}
