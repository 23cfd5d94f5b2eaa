/** Loads and evaluates other environments, each name once per evaluation, and stacks those that are merged. */
import { hasErrors } from '../diagnostic.ts'
import { limits } from '../limits.ts'
import { record } from '../schema/schemas.ts'
import { EvaluatedValue, layersMessage, mayLieOver } from './evaluated-value.ts'
import type { Evaluator } from './evaluator.ts'
import { ExpressionNode } from './expression-node.ts'
import { missingValue } from './missing-value.ts'
import type { Place } from './session.ts'

export interface Imports {
  /** What `${imports…}` shows: each environment by its name as written, not merged with anything. */
  value: EvaluatedValue
  /** The merged imports, the last one on top. */
  base: EvaluatedValue | undefined
}

export async function evaluateImports(evaluator: Evaluator): Promise<Imports> {
  const { session, document } = evaluator
  const [root = document.name] = session.imports.keys()
  void session.answers.anticipate(document, root)
  const byName = new Map<string, EvaluatedValue>()
  let base: EvaluatedValue | undefined
  for (const { name, merge, syntax } of document.declaration.imports) {
    const value = await evaluateEnvironment(evaluator, name, { place: syntax, certain: true })
    if (!value) continue
    byName.set(name, value)
    if (!merge) continue
    if (mayLieOver(value, base)) base = value.over(base, true)
    else session.error(syntax, layersMessage())
  }
  const def = new ExpressionNode({ kind: 'symbol', access: [{ key: 'imports' }] })
  const schema = record([...byName].map(([name, value]) => [name, value.schema] as const))
  return { value: new EvaluatedValue({ def, repr: byName, schema }), base }
}

/**
 * The value of another environment, or undefined (with the reason reported at `place`) when there is none. `certain`:
 * there is no evaluation that would not come here.
 */
export async function evaluateEnvironment(
  importer: Evaluator,
  name: string,
  { place, certain }: { place: Place; certain: boolean },
): Promise<EvaluatedValue | undefined> {
  const { session } = importer
  const { answers, speculation } = session
  const known = session.imports.get(name)
  if (known?.evaluating) {
    session.error(place, `cyclic import of ${name}`)
    return undefined
  }
  if (known) return known.value
  // not looked at yet: what it says may be anything
  if (speculation?.deferred.has(name)) return missingValue()
  if (!session.mayLoad()) {
    session.error(place, `an evaluation is limited to ${limits.environments} environments`)
    return undefined
  }
  const attempt = session.failedLoads(name)
  if (speculation && !certain && !answers.isLoaded(name, attempt)) {
    speculation.wantEnvironment(name, () => answers.load(name, attempt))
    return missingValue()
  }
  const loaded = await answers.load(name, attempt)
  if ('failure' in loaded) {
    session.loadFailed(name)
    session.error(place, loaded.failure)
    return undefined
  }
  const { document, diagnostics, decrypt } = loaded
  session.add(diagnostics)
  if (!document || hasErrors(diagnostics)) {
    session.loadFailed(name)
    return undefined
  }
  const value = await importer.importing(document, decrypt).evaluateAll()
  session.imports.set(name, { evaluating: false, value })
  return value
}
