/**
 * The contract of a login provider (`fn::open::<name>`): turns a way to prove who we are into short-lived
 * credentials. Never stores or caches them, and changes nothing at the other side.
 */
import type { JSONSchema } from '../../model/json-schema.ts'
import type { SubjectAttribute } from '../../model/oidc.ts'
import type { Secret } from '../../model/secret.ts'

/** A proof of which environment asks, signed by Rekey, for the other side to check. Good for minutes. */
export interface IdentityToken {
  token: Secret<string>
  /** What it says, for words: who signed it, who asks, whom it is meant for. */
  issuer: string
  subject: string
  audience: string
}

export interface IdentityRequest {
  /** What the subject is made of; its usual form where absent. */
  subjectAttributes?: readonly SubjectAttribute[]
}

export interface LoginContext {
  /** @throws RotationFailure where Rekey is no OpenID provider */
  identity(request: IdentityRequest): Promise<IdentityToken>
  /** Ends with the evaluation that asked. */
  signal: AbortSignal
  /** Milliseconds for the whole of it. */
  timeout: number
}

/** What a login yields. */
export interface Opened<Outputs> {
  outputs: Outputs
  /**
   * When the other side stops to take them, as it says itself: milliseconds since 1970. They are opened again some time
   * before that. Absent: they do not expire.
   */
  expiresAt?: number
}

export interface Login<Inputs, Outputs> {
  /** What stands behind `fn::open::`. */
  name: string
  title: string
  inputs: JSONSchema
  /** With `secret` on every leaf that must be sealed. */
  outputs: JSONSchema
  /**
   * @throws RotationFailure: LOGIN_FAILED, INPUT_INVALID, TARGET_DENIED, TARGET_UNREACHABLE, TARGET_TIMEOUT,
   * TARGET_THROTTLED
   */
  open(inputs: Inputs, context: LoginContext): Promise<Opened<Outputs>>
}

/** A login provider whose type parameters the caller need not know. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyLogin = Login<any, any>
