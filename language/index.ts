/**
 * The ESC definition language: text in, values out. Pure: no clock, no network, no process environment; all I/O
 * comes in through `Host`. This file is the only entry; nothing outside `language/` imports a file behind it.
 */
import { calls as rotateCalls, type RotateCall } from './calls.ts'
import type { Diagnostic } from './diagnostic.ts'
import * as evaluations from './evaluate.ts'
import {
  evaluateCall as evaluateOneCall,
  evaluateState as evaluateStateOfCall,
  type CallEvaluation,
} from './evaluate-call.ts'
import type { Rotation } from './evaluation/session.ts'
import type { Host } from './host.ts'
import { parseDocument, type Document, type ParsedDocument } from './parsed-document.ts'

export type { JSONSchema, Schema } from '../model/json-schema.ts'
export type { RotateCall } from './calls.ts'
export type { Diagnostic, Position, Range } from './diagnostic.ts'
export { applyPatches } from './edits/apply-patches.ts'
export { literalText, type DefinitionValue } from './edits/definition-value.ts'
export { EditError } from './edits/edit.ts'
export { removeValue } from './edits/remove-value.ts'
export { revealSecrets, sealSecrets } from './edits/seal-secrets.ts'
export { setValue } from './edits/set-value.ts'
export type { Evaluation } from './evaluate.ts'
export type { CallEvaluation } from './evaluate-call.ts'
export type { Patch, Rotation } from './evaluation/session.ts'
export type { Environment } from './export/environment.ts'
export { toJSON } from './export/to-json.ts'
export { toWire, valueToWire } from './export/to-wire.ts'
export type { Context, Host, LoadedEnvironment, Provider, RotateFunction } from './host.ts'
export { limits } from './limits.ts'
export type { Document } from './parsed-document.ts'
export { fromPlain, toPlain } from './plain-value.ts'
export { isObjectValue, JsonNumber } from './value.ts'
export type { Trace, Value } from './value.ts'

/**
 * Parses a definition. `name` is how diagnostics and `${context…}` call the environment. With errors of the text
 * itself (no YAML, too large, too deep) there is no document; with others there is one that has holes.
 */
export function load(name: string, text: string): { document: Document | null; diagnostics: Diagnostic[] } {
  const { document, diagnostics } = parseDocument(name, text)
  return { document: document as unknown as Document | null, diagnostics }
}

/**
 * Evaluates without opening anything: what providers and rotators answer stays unknown, and so do sealed secrets
 * unless `showSecrets`. Plaintext secrets are in the result, marked; the caller redacts. Never rejects.
 */
export function check(
  document: Document | null,
  host: Host,
  options: { showSecrets?: boolean } = {},
): Promise<evaluations.Evaluation> {
  return evaluations.check(parsed(document), host, options)
}

/** Evaluates with everything opened, but for inputs that are needed only while rotating. Never rejects. */
export function open(document: Document | null, host: Host): Promise<evaluations.Evaluation> {
  return evaluations.open(parsed(document), host)
}

/**
 * Rotates the calls at `paths` (relative to `values`; none = all), then opens. A rotation that fails leaves its value
 * unknown and the others go on. Paths that name no call are ignored: see `calls`.
 * @throws PropertyPathError for a path that is none
 */
export function rotate(
  document: Document | null,
  host: Host,
  options: { paths?: string[] } = {},
): Promise<evaluations.Evaluation & { rotations: Rotation[] }> {
  return evaluations.rotate(parsed(document), host, options)
}

/** Every rotate call of the document, in the order of the text; nothing is evaluated, loaded or opened. */
export function calls(document: Document | null): readonly RotateCall[] {
  return rotateCalls(parsed(document))
}

/**
 * Evaluates just what one call needs: its inputs, rotate-only ones included, and its state. Other calls that the
 * inputs refer to are opened, not rotated. `path` is relative to `values`, compared by segments.
 * @throws PropertyPathError for a path that is none
 */
export function evaluateCall(document: Document | null, path: string, host: Host): Promise<CallEvaluation> {
  return evaluateOneCall(parsed(document), path, host)
}

/**
 * The state of one call and nothing else: what only its inputs need is neither loaded nor opened.
 * @throws PropertyPathError for a path that is none
 */
export function evaluateState(
  document: Document | null,
  path: string,
  host: Host,
): Promise<Omit<CallEvaluation, 'inputs'>> {
  return evaluateStateOfCall(parsed(document), path, host)
}

function parsed(document: Document | null): ParsedDocument | null {
  return document as unknown as ParsedDocument | null
}
