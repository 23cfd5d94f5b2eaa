/** Evaluates one rotate call by itself: its inputs, rotate-only ones included, and its state. Opens what they need. */
import { formatPropertyPath, parsePropertyPath } from '../model/property-path.ts'
import type { CallNode } from './builtins/builtin.ts'
import { callPath } from './builtins/provider-call.ts'
import { loadRotator } from './builtins/rotate.ts'
import { callIndex, callProblems } from './calls.ts'
import { hasErrors, type Diagnostic } from './diagnostic.ts'
import { quote } from './encoding/quote.ts'
import type { EvaluatedValue } from './evaluation/evaluated-value.ts'
import { Evaluator } from './evaluation/evaluator.ts'
import { ExpressionNode } from './evaluation/expression-node.ts'
import { Answers } from './evaluation/answers.ts'
import { EvaluationStopped, Session } from './evaluation/session.ts'
import { mayWait, speculate } from './evaluation/speculation.ts'
import { exportValue } from './export/export-value.ts'
import type { CallExpression } from './expressions/expression.ts'
import type { Host } from './host.ts'
import { parseDocument, type ParsedDocument } from './parsed-document.ts'
import { acceptAll } from './schema/accept.ts'
import type { Value } from './value.ts'

export interface CallEvaluation {
  /** What is wrong is in `diagnostics`; without errors the inputs are an object that fits the schema. */
  inputs: Value
  /** Null where the call has no state. */
  state: Value | null
  diagnostics: Diagnostic[]
}

const UNKNOWN: Value = { value: null, unknown: true }

/**
 * Other calls that the inputs refer to are opened, not rotated, and without their rotate-only inputs. Imports are
 * loaded only when a reference goes to `values` or to them.
 * @param path relative to `values`; compared by segments
 * @throws PropertyPathError when the path is none
 */
export async function evaluateCall(
  document: ParsedDocument | null,
  path: string,
  host: Host,
): Promise<CallEvaluation> {
  const index = document && callIndex(document)
  const call = index?.byPath.get(formatPropertyPath(parsePropertyPath(path)))
  if (!document || !call) {
    const summary = `${quote(path)} names no fn::rotate call`
    return { inputs: UNKNOWN, state: null, diagnostics: [{ severity: 'error', summary, path: '' }] }
  }
  const session = new Session(host, 'open', { target: call, answers: new Answers(host, parseDocument) })
  const owner = index?.owners.get(call)
  session.add(callProblems(call, owner && callPath(owner)))
  const decrypt: Host['decrypt'] = (ciphertext) => host.decrypt(ciphertext)
  const evaluator = new Evaluator(session, document, decrypt)
  const { diagnostics } = session
  try {
    if (mayWait(document, session.mode)) {
      await speculate(session, (speculative) =>
        evaluateParts(new Evaluator(speculative, document, decrypt), call),
      )
    }
    return { ...(await evaluateParts(evaluator, call)), diagnostics }
  } catch (error) {
    if (!(error instanceof EvaluationStopped)) throw error
    session.error({}, error.message)
    return { inputs: UNKNOWN, state: null, diagnostics }
  }
}

async function evaluateParts(
  evaluator: Evaluator,
  call: CallExpression,
): Promise<Omit<CallEvaluation, 'diagnostics'>> {
  const node = new ExpressionNode(call) as CallNode
  if (call.provider === undefined) {
    evaluator.error(node, 'the call names no rotator')
    return { inputs: UNKNOWN, state: null }
  }
  const rotator = await loadRotator(node, call.provider, evaluator)
  const schemas = rotator?.schema() ?? { inputs: true, state: true }
  const inputs = await evaluator.typed(node.argument('inputs'), acceptAll(schemas.inputs))
  complain(evaluator, node.argument('inputs'), inputs.value, 'inputs')
  if (call.parts['state']?.kind === 'null') return { inputs: exportValue(inputs.value), state: null }
  const state = await evaluator.typed(node.argument('state'), acceptAll(schemas.state))
  complain(evaluator, node.argument('state'), state.value, 'state')
  return { inputs: exportValue(inputs.value), state: exportValue(state.value) }
}

// some references are unknown for no reported reason; a rotation must not go on with them
function complain(evaluator: Evaluator, node: ExpressionNode, value: EvaluatedValue, name: string): void {
  if (hasErrors(evaluator.session.diagnostics)) return
  if (value.containsUnknown && evaluator.session.unanswered) return
  if (value.containsUnknown) evaluator.error(node, `${name} could not be evaluated`)
  else if (!value.object) evaluator.error(node, `${name} must be an object`)
}
