/** Evaluates one rotate call by itself: its inputs, rotate-only ones included, and its state. Opens what they need. */
import { formatPropertyPath, parsePropertyPath } from '../model/property-path.ts'
import type { CallNode } from './builtins/builtin.ts'
import { callPath } from './builtins/provider-call.ts'
import { loadRotator } from './builtins/rotate.ts'
import { callIndex, callProblems } from './calls.ts'
import { hasErrors, type Diagnostic } from './diagnostic.ts'
import type { Schema } from '../model/json-schema.ts'
import { quote } from './encoding/quote.ts'
import type { EvaluatedValue } from './evaluation/evaluated-value.ts'
import { Evaluator } from './evaluation/evaluator.ts'
import { ExpressionNode } from './evaluation/expression-node.ts'
import { Answers } from './evaluation/answers.ts'
import { EvaluationStopped, Session } from './evaluation/session.ts'
import { mayWait, speculate } from './evaluation/speculation.ts'
import { exportValue } from './export/export-value.ts'
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
export function evaluateCall(
  document: ParsedDocument | null,
  path: string,
  host: Host,
): Promise<CallEvaluation> {
  return evaluateParts(document, path, host, async (node, evaluator) => {
    const { inputs, state } = await schemasOf(node, evaluator)
    return {
      inputs: await evaluatePart(node, 'inputs', inputs, evaluator),
      state: hasState(node) ? await evaluatePart(node, 'state', state, evaluator) : null,
    }
  })
}

/**
 * The state alone: nothing that only the inputs need is loaded or opened.
 * @param path relative to `values`; compared by segments
 * @throws PropertyPathError when the path is none
 */
export async function evaluateState(
  document: ParsedDocument | null,
  path: string,
  host: Host,
): Promise<Omit<CallEvaluation, 'inputs'>> {
  const { state, diagnostics } = await evaluateParts(document, path, host, async (node, evaluator) => {
    if (!hasState(node)) return { inputs: UNKNOWN, state: null }
    const schemas = await schemasOf(node, evaluator)
    return { inputs: UNKNOWN, state: await evaluatePart(node, 'state', schemas.state, evaluator) }
  })
  return { state, diagnostics }
}

type Parts = Omit<CallEvaluation, 'diagnostics'>

async function evaluateParts(
  document: ParsedDocument | null,
  path: string,
  host: Host,
  evaluate: (node: CallNode, evaluator: Evaluator) => Promise<Parts>,
): Promise<CallEvaluation> {
  const index = document && callIndex(document)
  const call = index?.byPath.get(formatPropertyPath(parsePropertyPath(path)))
  if (!document || !call) {
    const summary = `${quote(path)} names no fn::rotate call`
    return { inputs: UNKNOWN, state: null, diagnostics: [{ severity: 'error', summary, path: '' }] }
  }
  const session = new Session(host, 'open', { target: call, answers: new Answers(host, parseDocument) })
  const { diagnostics } = session
  const owner = index?.owners.get(call)
  session.add(callProblems(call, owner && callPath(owner)))
  if (call.provider === undefined) {
    session.error(new ExpressionNode(call), 'the call names no rotator')
    return { inputs: UNKNOWN, state: null, diagnostics }
  }
  const attempt = (within: Session): Promise<Parts> => {
    const evaluator = new Evaluator(within, document, (ciphertext) => host.decrypt(ciphertext))
    return evaluate(new ExpressionNode(call) as CallNode, evaluator)
  }
  try {
    if (mayWait(document, session.mode)) await speculate(session, attempt)
    return { ...(await attempt(session)), diagnostics }
  } catch (error) {
    if (!(error instanceof EvaluationStopped)) throw error
    session.error({}, error.message)
    return { inputs: UNKNOWN, state: null, diagnostics }
  }
}

async function schemasOf(node: CallNode, evaluator: Evaluator): Promise<{ inputs: Schema; state: Schema }> {
  const rotator = await loadRotator(node, node.expression.provider ?? '', evaluator)
  return rotator?.schema() ?? { inputs: true, state: true }
}

function hasState(node: CallNode): boolean {
  return node.expression.parts['state']?.kind !== 'null'
}

async function evaluatePart(
  node: CallNode,
  name: 'inputs' | 'state',
  schema: Schema,
  evaluator: Evaluator,
): Promise<Value> {
  const argument = node.argument(name)
  const { value } = await evaluator.typed(argument, acceptAll(schema))
  complain(evaluator, argument, value, name)
  return exportValue(value)
}

// some references are unknown for no reported reason; a rotation must not go on with them
function complain(evaluator: Evaluator, node: ExpressionNode, value: EvaluatedValue, name: string): void {
  if (hasErrors(evaluator.session.diagnostics)) return
  if (value.containsUnknown && evaluator.session.unanswered) return
  if (value.containsUnknown) evaluator.error(node, `${name} could not be evaluated`)
  else if (!value.object) evaluator.error(node, `${name} must be an object`)
}
