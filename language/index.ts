/**
 * The ESC definition language: text in, values out. Pure: no clock, no network, no process environment; all I/O
 * comes in through `Host`. This file is the only entry; nothing outside `language/` imports a file behind it.
 */
import type { Diagnostic } from './diagnostic.ts'
import type { Host } from './host.ts'
import type { Value } from './value.ts'
import type { Schema } from '../model/json-schema.ts'
import type { Range } from './diagnostic.ts'

export type { JSONSchema, Schema } from '../model/json-schema.ts'
export type { Diagnostic, Position, Range } from './diagnostic.ts'
export type { Context, Host, LoadedEnvironment, Provider, RotateFunction } from './host.ts'
export { JsonNumber } from './value.ts'
export type { Trace, Value } from './value.ts'

declare const opaque: unique symbol
/** A parsed definition. Immutable; may be kept and evaluated many times, by many evaluations at once. */
export interface Document {
  readonly [opaque]: true
}
export interface Environment {
  readonly exprs?: Record<string, unknown>
  readonly properties?: Record<string, Value>
  readonly schema?: Schema
  readonly executionContext?: { properties: Record<string, Value>; schema: Schema }
}
export interface Evaluation {
  environment: Environment | null
  diagnostics: Diagnostic[]
}
export interface Patch {
  /** Path from the document's root, e.g. `values.db.creds["fn::rotate::pg"].state`. */
  docPath: string
  replacement: Value
}
export interface Rotation {
  /** Path of the call from the document's root, e.g. `values.db.creds`. */
  path: string
  status: 'succeeded' | 'failed' | 'not-evaluated'
  diagnostics: Diagnostic[]
  patch?: Patch
}
export interface RotateCall {
  /** Property path relative to `values`, e.g. `db.creds`. */
  path: string
  /** The rotator's name, '' where the call does not say. */
  rotator: string
  hasState: boolean
  /** Paths (as above) of the other calls that its inputs reach through references, directly or through others. */
  dependsOn: string[]
  /** Path of the call whose `state` this call is in, which a rotation of that one would overwrite. */
  insideStateOf?: string
  /** Path of its state from the document's root, as in `Patch`. */
  docPath: string
  range: Range
  /** Errors that only matter to rotation: duplicate keys in the call, a call inside another's state. */
  problems: Diagnostic[]
}
/** A definition's text as data: strings are definition text, so `${…}` in them refers. */
export type DefinitionValue =
  null | boolean | number | string | DefinitionValue[] | { [key: string]: DefinitionValue }

export declare function load(
  name: string,
  text: string,
): { document: Document | null; diagnostics: Diagnostic[] }
export declare function check(
  document: Document | null,
  host: Host,
  options?: { showSecrets?: boolean },
): Promise<Evaluation>
export declare function open(document: Document | null, host: Host): Promise<Evaluation>
export declare function rotate(
  document: Document | null,
  host: Host,
  options?: { paths?: string[] },
): Promise<Evaluation & { rotations: Rotation[] }>
export declare function calls(document: Document | null): RotateCall[]
export declare function evaluateCall(
  document: Document | null,
  path: string,
  host: Host,
): Promise<{ inputs: Value; state: Value | null; diagnostics: Diagnostic[] }>
export declare function toWire(environment: Environment | null): string
export declare function toJSON(environment: Environment | null, options: { redact: boolean }): string
export declare function applyPatches(text: string, patches: Patch[]): string
export declare function sealSecrets(
  text: string,
  encrypt: (plaintext: Uint8Array) => Promise<Uint8Array>,
): Promise<string>
export declare function revealSecrets(
  text: string,
  decrypt: (ciphertext: Uint8Array) => Promise<Uint8Array>,
): Promise<string>
export declare function setValue(
  text: string,
  path: string,
  value: DefinitionValue,
  options?: { secret?: boolean },
): string
export declare function removeValue(text: string, path: string): string
export declare function toPlain(value: Value): unknown
export declare function fromPlain(plain: unknown, schema?: Schema): Value
