/** Everything that evaluation needs from outside. The language does no I/O but through these. */
import type { Schema } from '../model/json-schema.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { Document } from './parsed-document.ts'
import type { Value } from './value.ts'

export interface LoadedEnvironment {
  text: string
  /** What `load` made of this very text under the name that was asked for, where that was kept. */
  parsed?: { document: Document | null; diagnostics: Diagnostic[] }
  /** Decrypts the static ciphertexts of this environment. */
  decrypt(ciphertext: Uint8Array): Promise<Uint8Array>
}

export interface Host {
  /** `name` is the reference as written (`p/e`, `p/e@3`, `p/e@tag`). Rejects with the text of the diagnostic. */
  loadEnvironment(name: string): Promise<LoadedEnvironment>
  /** Rejects with the text of the diagnostic. */
  loadProvider(name: string): Promise<Provider>
  /** Rejects with the text of the diagnostic. */
  loadRotator(name: string): Promise<RotateFunction>
  /** Decrypts the static ciphertexts of the root environment. */
  decrypt(ciphertext: Uint8Array): Promise<Uint8Array>
  /** An object value: what `${context.…}` shows besides `currentEnvironment` and `rootEnvironment`. */
  context: Value
  /** Ends an evaluation early, with one diagnostic. */
  signal?: AbortSignal
}

/** What a provider or rotator may know about the call that it serves. */
export interface Context {
  /** What `${context.…}` shows at the call. */
  values: Value
  rootEnvironment: string
  currentEnvironment: string
  /** Property path of the call, relative to `values` of the current environment. */
  path: string
}

/** A `fn::open::<name>`. A rejection's message becomes the diagnostic at the call. */
export interface Provider {
  schema(): { inputs: Schema; outputs: Schema }
  open(inputs: Value, context: Context): Promise<Value>
}

/**
 * A `fn::rotate::<name>`. `inputs` may hold `unknown` values where the schema says `rotateOnly` and nothing is
 * being rotated: `open` must not read those. `state` is null before the first rotation.
 */
export interface RotateFunction {
  schema(): { inputs: Schema; state: Schema; outputs: Schema }
  open(inputs: Value, state: Value | null, context: Context): Promise<Value>
  /** Returns the whole new state. A rejection's message becomes the diagnostic `rotate: …`. */
  rotate(inputs: Value, state: Value | null, context: Context): Promise<Value>
}
