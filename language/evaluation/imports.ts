/** Loads and evaluates other environments, each name once per evaluation, and stacks those that are merged. */
import { hasErrors, reasonOf } from '../diagnostic.ts'
import { limits } from '../limits.ts'
import { parseDocument } from '../parsed-document.ts'
import { record } from '../schema/schemas.ts'
import { EvaluatedValue, layersMessage, mayLieOver } from './evaluated-value.ts'
import type { Evaluator } from './evaluator.ts'
import { ExpressionNode } from './expression-node.ts'
import type { Place } from './session.ts'

export interface Imports {
  /** What `${imports…}` shows: each environment by its name as written, not merged with anything. */
  value: EvaluatedValue
  /** The merged imports, the last one on top. */
  base: EvaluatedValue | undefined
}

export async function evaluateImports(evaluator: Evaluator): Promise<Imports> {
  const { session, document } = evaluator
  const byName = new Map<string, EvaluatedValue>()
  let base: EvaluatedValue | undefined
  for (const { name, merge, syntax } of document.declaration.imports) {
    const value = await evaluateEnvironment(evaluator, name, syntax)
    if (!value) continue
    byName.set(name, value)
    if (!merge) continue
    if (mayLieOver(value, base)) base = value.over(base)
    else session.error(syntax, layersMessage())
  }
  const def = new ExpressionNode({ kind: 'symbol', access: [{ key: 'imports' }] })
  const schema = record([...byName].map(([name, value]) => [name, value.schema] as const))
  return { value: new EvaluatedValue({ def, repr: byName, schema }), base }
}

/** The value of another environment, or undefined (with the reason reported at `place`) when there is none. */
export async function evaluateEnvironment(
  importer: Evaluator,
  name: string,
  place: Place,
): Promise<EvaluatedValue | undefined> {
  const { session } = importer
  const known = session.imports.get(name)
  if (known?.evaluating) {
    session.error(place, `cyclic import of ${name}`)
    return undefined
  }
  if (known) return known.value
  if (!session.mayLoad()) {
    session.error(place, `an evaluation is limited to ${limits.environments} environments`)
    return undefined
  }
  const loaded = await load(importer, name, place)
  if (!loaded) return undefined
  const { document, diagnostics } = parseDocument(name, loaded.text)
  session.add(diagnostics)
  if (!document || hasErrors(diagnostics)) return undefined
  const value = await importer.importing(document, (ciphertext) => loaded.decrypt(ciphertext)).evaluateAll()
  session.imports.set(name, { evaluating: false, value })
  return value
}

async function load(importer: Evaluator, name: string, place: Place) {
  try {
    return await importer.session.host.loadEnvironment(name)
  } catch (error) {
    importer.error(place, reasonOf(error))
    return undefined
  }
}
