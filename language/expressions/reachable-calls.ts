/** Which rotate calls some expressions reach, through references within the document. Reads, never evaluates. */
import type { Access, CallExpression, Expression, ObjectExpression } from './expression.ts'

/** Iterative, so that a chain of references of any length is followed; each expression is looked at once. */
export function reachableCalls(
  root: ObjectExpression,
  from: readonly (Expression | undefined)[],
): Set<CallExpression> {
  const reached = new Set<CallExpression>()
  const seen = new Set<Expression>()
  const waiting = from.filter((expression) => expression !== undefined)
  for (let expression = waiting.pop(); expression; expression = waiting.pop()) {
    if (seen.has(expression)) continue
    seen.add(expression)
    if (expression.kind === 'call' && expression.builtin.name === 'fn::rotate') reached.add(expression)
    for (const child of childrenOf(expression)) waiting.push(child)
    for (const access of accessesOf(expression)) {
      const target = referredTo(root, access)
      if (target) waiting.push(target)
    }
  }
  return reached
}

function childrenOf(expression: Expression): Expression[] {
  if (expression.kind === 'array') return expression.elements
  if (expression.kind === 'object') return [...expression.properties.values()].map(({ value }) => value)
  return expression.kind === 'call' ? Object.values(expression.parts) : []
}

/** The references that an expression itself is made of. */
export function accessesOf(expression: Expression): Access[] {
  if (expression.kind === 'symbol') return [expression.access]
  if (expression.kind !== 'interpolation') return []
  return expression.parts.flatMap(({ access }) => (access ? [access] : []))
}

/** The expression at which a reference leaves the literals; undefined for other environments and typing errors. */
function referredTo(root: ObjectExpression, access: Access): Expression | undefined {
  const first = access[0]?.key
  if (first === 'imports' || first === 'context' || first === 'environments') return undefined
  let at: Expression | undefined = root
  for (const { key } of access) {
    if (at?.kind === 'object') at = typeof key === 'string' ? at.properties.get(key)?.value : undefined
    else if (at?.kind === 'array') at = typeof key === 'number' ? at.elements[key] : undefined
    else return at
  }
  return at
}
