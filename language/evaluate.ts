/** The three ways to evaluate a document as a whole: check, open, rotate. */
import { formatPropertyPath, parsePropertyPath } from '../model/property-path.ts'
import { callPath } from './builtins/provider-call.ts'
import type { Diagnostic } from './diagnostic.ts'
import { Evaluator } from './evaluation/evaluator.ts'
import { Answers } from './evaluation/answers.ts'
import { EvaluationStopped, Session, type Rotation } from './evaluation/session.ts'
import { mayWaitForAll, speculate } from './evaluation/speculation.ts'
import { EvaluatedEnvironment, type Environment } from './export/environment.ts'
import type { CallExpression } from './expressions/expression.ts'
import type { Host } from './host.ts'
import { parseDocument, type ParsedDocument } from './parsed-document.ts'

export interface Evaluation {
  /** Null where there is nothing to evaluate: no document, or neither values nor imports. */
  environment: Environment | null
  diagnostics: Diagnostic[]
}

/**
 * Evaluates without opening anything: what providers and rotators answer stays unknown, and so do sealed secrets
 * unless `showSecrets`. Plaintext secrets are in the result, marked; the caller redacts.
 */
export function check(
  document: ParsedDocument | null,
  host: Host,
  options: { showSecrets?: boolean } = {},
): Promise<Evaluation> {
  const showSecrets = options.showSecrets ?? false
  return evaluate(document, new Session(host, 'check', { showSecrets, answers: answersOf(host) }))
}

/** Evaluates with everything opened, but for inputs that are needed only while rotating. */
export function open(document: ParsedDocument | null, host: Host): Promise<Evaluation> {
  return evaluate(document, new Session(host, 'open', { answers: answersOf(host) }))
}

/**
 * Rotates the calls at `paths` (relative to `values`; none = all), then opens. A rotation that fails leaves its value
 * unknown and the others go on. Paths that name no call are ignored: see `calls`.
 * @throws PropertyPathError for a path that is none
 */
export async function rotate(
  document: ParsedDocument | null,
  host: Host,
  options: { paths?: string[] } = {},
): Promise<Evaluation & { rotations: Rotation[] }> {
  const selected = document && options.paths?.length ? selectedCalls(document, options.paths) : undefined
  const session = new Session(host, 'rotate', { selected, answers: answersOf(host) })
  const evaluation = await evaluate(document, session)
  return { ...evaluation, rotations: session.rotations }
}

function answersOf(host: Host): Answers {
  return new Answers(host, parseDocument)
}

function selectedCalls(document: ParsedDocument, paths: string[]): Set<CallExpression> {
  const wanted = new Set(paths.map((path) => formatPropertyPath(parsePropertyPath(path))))
  return new Set(document.declaration.rotateCalls.filter((call) => wanted.has(callPath(call))))
}

async function evaluate(document: ParsedDocument | null, session: Session): Promise<Evaluation> {
  const { diagnostics } = session
  if (!document) return { environment: null, diagnostics }
  const { hasValues, hasImports } = document.declaration
  if (!hasValues && !hasImports) return { environment: null, diagnostics }
  const decrypt: Host['decrypt'] = (ciphertext) => session.host.decrypt(ciphertext)
  const evaluator = new Evaluator(session, document, decrypt)
  try {
    if (await mayWaitForAll(document, session)) {
      await speculate(session, (speculative) => new Evaluator(speculative, document, decrypt).evaluateAll())
    }
    const value = await evaluator.evaluateAll()
    const environment = new EvaluatedEnvironment(
      document.name,
      await evaluator.root(),
      value,
      evaluator.context,
    )
    return { environment, diagnostics }
  } catch (error) {
    if (!(error instanceof EvaluationStopped)) throw error
    session.error({}, error.message)
    return { environment: null, diagnostics }
  }
}
