/** The state of a rotate call as plain data, and the keyed hash by which its credentials are told apart. */
import {
  evaluateState,
  isObjectValue,
  toPlain,
  type Document,
  type Host,
  type Value,
} from '../language/index.ts'
import type { Schema } from '../model/json-schema.ts'
import { Refusal } from '../model/refusal.ts'
import type { RotatorState } from '../rotators/rotator.ts'
import type { Keeper } from '../store/seal.ts'
import { canonicalJson } from './canonical-json.ts'

/** A state as the definition holds it: `{ current, previous? }`. */
export interface StoredState {
  current: unknown
  previous?: unknown
}

/**
 * The state of the call at `path` (relative to `values`); null where it has none.
 * @throws Refusal invalid, when it does not evaluate or has no `current`.
 */
export async function readState(
  document: Document | null,
  path: string,
  host: Host,
): Promise<StoredState | null> {
  const { state } = await evaluateState(document, path, host)
  return storedState(state, path)
}

/** As `readState`, of a state that has been evaluated. @throws Refusal invalid */
export function storedState(state: Value | null, path: string): StoredState | null {
  if (state === null || (state.value === null && !state.unknown)) return null
  const plain = hasUnknown(state) ? undefined : toPlain(state)
  if (typeof plain !== 'object' || plain === null || !('current' in plain) || plain.current == null)
    throw new Refusal(
      'invalid',
      `the state of the rotate call ${path} cannot be read: it must hold a known "current"`,
    )
  return plain as StoredState
}

/** Both slots of a state, null where one is empty. */
export function slotsOf(state: unknown): RotatorState<unknown> {
  const { current, previous } = (state ?? {}) as Partial<StoredState>
  return { current: current ?? null, previous: previous ?? null }
}

/** True when any part of a value is not known; with a schema, apart from what that says is only for rotating. */
export function hasUnknown(value: Value, schema: Schema = true): boolean {
  if (value.unknown) return true
  const { rotateOnly = [], properties = {} } = typeof schema === 'boolean' ? {} : schema
  if (Array.isArray(value.value)) return value.value.some((item) => hasUnknown(item))
  if (isObjectValue(value.value))
    return Object.entries(value.value).some(
      ([key, part]) => !rotateOnly.includes(key) && hasUnknown(part, properties[key]),
    )
  return false
}

/** Keyed hash of one credential, the same for equal values however they were written. */
export function credentialHmac(keeper: Keeper, credential: unknown): Buffer {
  return keeper.hmac(canonicalJson(credential))
}

/** The hashes of the credentials that a state holds: one or two. */
export function stateHmacs(keeper: Keeper, state: StoredState): Buffer[] {
  const { current, previous } = slotsOf(state)
  return [current, previous].filter((slot) => slot !== null).map((slot) => credentialHmac(keeper, slot))
}
