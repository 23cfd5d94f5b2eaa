/** What rotates in a document, found by reading it: nothing is evaluated, loaded or opened. */
import { callPath } from './builtins/provider-call.ts'
import { statePath } from './builtins/rotate.ts'
import type { Diagnostic, Range } from './diagnostic.ts'
import { quote } from './encoding/quote.ts'
import type { CallExpression, Expression } from './expressions/expression.ts'
import { reachableCalls } from './expressions/reachable-calls.ts'
import type { ParsedDocument } from './parsed-document.ts'
import type { SyntaxNode } from './syntax/node.ts'
import { pathText } from './syntax/path.ts'

export interface RotateCall {
  /** Property path relative to `values`, e.g. `db.creds`. */
  path: string
  /** The rotator's name; '' where the call does not say. */
  rotator: string
  hasState: boolean
  /** Paths (as above) of the other calls that its inputs reach through references, directly or through others. */
  dependsOn: string[]
  /** Path of the call in whose `state` this call is: a rotation of that one would overwrite this one. */
  insideStateOf?: string
  /** Where its state is kept, from the document's root, as in `Patch`. */
  docPath: string
  range: Range
  /** Errors that only matter to rotation: duplicate keys in the call, a call inside another's state. */
  problems: Diagnostic[]
}

const found = new WeakMap<ParsedDocument, readonly RotateCall[]>()

/** Every `fn::rotate` call under `values`, in the order of the text; looked for once a document. */
export function calls(document: ParsedDocument | null): readonly RotateCall[] {
  if (!document) return []
  const known = found.get(document)
  if (known) return known
  const all = findCalls(document)
  found.set(document, all)
  return all
}

function findCalls(document: ParsedDocument): RotateCall[] {
  const { owners } = callIndex(document)
  const { values, rotateCalls } = document.declaration
  const reached = reachableCalls(values, rotateCalls)
  return rotateCalls.map((call) => describe(call, reached.get(call) ?? [], owners.get(call)))
}

interface CallIndex {
  byPath: ReadonlyMap<string, CallExpression>
  /** For each call that is inside a state, the call that the state belongs to. */
  owners: ReadonlyMap<CallExpression, CallExpression>
}

// a document is evaluated call by call, many times: finding one must not look at all the others
const indexes = new WeakMap<ParsedDocument, CallIndex>()

export function callIndex(document: ParsedDocument): CallIndex {
  const known = indexes.get(document)
  if (known) return known
  const { rotateCalls } = document.declaration
  const byPath = new Map(rotateCalls.map((call) => [callPath(call), call]))
  const index: CallIndex = { byPath, owners: stateOwners(rotateCalls) }
  indexes.set(document, index)
  return index
}

function describe(
  call: CallExpression,
  reached: readonly CallExpression[],
  owner: CallExpression | undefined,
): RotateCall {
  const path = callPath(call)
  const insideStateOf = owner && callPath(owner)
  return {
    path,
    rotator: call.provider ?? '',
    hasState: call.parts['state']?.kind === 'object',
    dependsOn: reached.map(callPath),
    ...(insideStateOf !== undefined && { insideStateOf }),
    docPath: statePath(call),
    range: call.syntax!.range,
    problems: callProblems(call, insideStateOf),
  }
}

/** What is wrong with a call as something to rotate. */
export function callProblems(call: CallExpression, insideStateOf?: string): Diagnostic[] {
  const problems = duplicateKeys(call.argument)
  if (insideStateOf !== undefined) {
    const summary = `a rotation inside the state of ${quote(insideStateOf)} would be overwritten by it`
    problems.push({ severity: 'error', summary, path: pathText(call.syntax!.path), range: call.name.range })
  }
  return problems
}

function stateOwners(rotateCalls: readonly CallExpression[]): Map<CallExpression, CallExpression> {
  const owners = new Map<CallExpression, CallExpression>()
  const visit = (expression: Expression, owner: CallExpression): void => {
    if (expression.kind === 'array') for (const element of expression.elements) visit(element, owner)
    if (expression.kind === 'object')
      for (const { value } of expression.properties.values()) visit(value, owner)
    if (expression.kind !== 'call') return
    if (expression.builtin.name === 'fn::rotate') owners.set(expression, owner)
    for (const part of Object.values(expression.parts)) visit(part, owner)
  }
  // an outer call comes after the calls inside it, and has the last word
  for (const call of rotateCalls) if (call.parts['state']) visit(call.parts['state'], call)
  return owners
}

function duplicateKeys(node: SyntaxNode): Diagnostic[] {
  if (node.kind === 'array') return node.items.flatMap(duplicateKeys)
  if (node.kind !== 'object') return []
  const seen = new Set<string>()
  return node.entries.flatMap(({ key, value }) => {
    const repeated = seen.has(key.value)
    seen.add(key.value)
    const inner = duplicateKeys(value)
    if (!repeated) return inner
    const summary = `duplicate key ${quote(key.value)}`
    return [{ severity: 'error', summary, path: pathText(key.path), range: key.range }, ...inner]
  })
}
