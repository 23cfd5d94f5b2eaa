/**
 * The contract between Rekey and one kind of credential. A rotator talks to its target and nothing else: it never
 * reads the store, never decides when to rotate, and never keeps anything between calls. The frame around it
 * journals before `apply`, tests, verifies and publishes; `test/rotators/contract.ts` holds every rotator to it.
 *
 * Rotators throw `RotationFailure(code, words)`. Anything else becomes INTERNAL, its text kept out.
 */
import type { JSONSchema } from '../model/json-schema.ts'

/** What a rotator needs at its target, for documentation and preflight. */
export interface PermissionNote {
  /** What has it: "the managing user". */
  who: string
  /** The grant in the target's own terms: an SQL statement, an IAM action. */
  grant: string
  why: string
}

/** What the frame gives to every call. */
export interface RotatorContext {
  /** Ends with the attempt; heed it only before a change is sent. */
  signal: AbortSignal
  /**
   * Milliseconds that the target itself enforces on the session that changes something: as long as it may idle
   * before the change arrives, and as long as the change may take. So a change lands before
   * `sendBy + 2 × changeTimeout`, or never, whatever becomes of this process.
   */
  changeTimeout: number
  /** Milliseconds since 1970. A process that was stopped must find this passed and send nothing. */
  sendBy: number
  /** Milliseconds for anything else: connecting, logging in, reading. */
  timeout: number
  /**
   * What a person ought to know of this rotation although it stops nothing: in words, without a secret. Heard during
   * `prepare` and `rehearse`.
   */
  warn?(words: string): void
  /** To be called between every two steps of `apply` with the name of the place; see ActivityServices. */
  at?(point: string): Promise<void>
}

/** What is known and published before a rotation; null where a slot is empty. */
export interface RotatorState<Credential> {
  current: Credential | null
  previous: Credential | null
}

export type TestAnswer = 'works' | 'refused'

/**
 * What became of an `apply` whose answer was lost. `instead`: nobody can have the credential that it made, so this is
 * to be written down and applied in its place. `suspects`: one of these may be it, or somebody else's; each in words,
 * with its id.
 */
export type RecoverAnswer<Credential, Prepared> =
  { made: Credential } | 'not made' | { instead: Prepared } | { suspects: string[] } | 'unknown'

/** Thrown by `apply`: nothing was changed; write this down instead, and call `apply` with it. */
export class WriteDownFirst<Prepared> extends Error {
  override name = 'WriteDownFirst'
  readonly prepared: Prepared

  constructor(prepared: Prepared) {
    super('this is to be written down first')
    this.prepared = prepared
  }
}

/** For targets that take a while until all of them know a new credential: how often it must log in, in a row. */
export interface Settling {
  successes: number
  /** Milliseconds within which it must have; until then, a refusal only says "not yet". */
  deadline: number
  /** Milliseconds between two log-ins. */
  pause: number
}

/** What a rotation would do at the target now, in words without a secret. */
export interface Rehearsal {
  /** What would be written or made: `user "app_2"`, `a new access key`. */
  writes: string
  /** What would be done before that at the target: which key would be deleted. In order. */
  first: string[]
  /** What would not stop it and ought to be known before. */
  warnings: string[]
}

export interface Rotator<Inputs, Credential, Prepared> {
  name: string
  title: string
  /** How many credentials are valid at the same time. */
  slots: 2 | 1
  /** True when `apply` may be sent again with the same `prepared` and leaves the target the same. */
  repeatable: boolean
  /** True when the target makes the credential up (an access key): a `previous` that is gone is then a free slot. */
  madeByTarget: boolean
  /**
   * True where nothing outside Rekey knows the credential, a text that it makes up for whoever reads it: `targets` is
   * always empty then, and `prepare`, `apply` and `test` ask nobody. So nothing is ever in doubt, and nothing has to log
   * in before it is published: `test` answers `works`.
   */
  withoutTarget?: true
  /** Absent where a credential works everywhere as soon as it was made. */
  settling?: Settling
  /**
   * True where what only looks (`test`, `prepare`) may be asked side by side. Absent for services that throttle: there
   * the looks of many rotations would hold up their changes.
   */
  sideBySide?: true
  inputs: JSONSchema
  /** Schema of the state: `{ current, previous? }`. */
  state: JSONSchema
  /** Schema of what `open` yields. */
  outputs: JSONSchema
  permissions: PermissionNote[]
  /**
   * The targets that these inputs name, canonical, sorted, without a secret; at least one, unless `withoutTarget`. Pure.
   * Refuses inputs that can be refused without asking the target (equal users, the managing user among them).
   * @throws RotationFailure INPUT_INVALID
   */
  targets(inputs: Inputs): string[]
  /** Which slot this is, not secret: the user's name, the key's id. Pure. */
  identity(credential: Credential): string
  /** What `${path}` yields between rotations. Pure. */
  open(inputs: Partial<Inputs>, state: RotatorState<Credential>): unknown
  /**
   * Preflight at the target, then what is to be sent: which slot, which value. Changes nothing.
   * Called again after a refused value, it makes a new one.
   */
  prepare(inputs: Inputs, state: RotatorState<Credential>, context: RotatorContext): Promise<Prepared>
  /**
   * Everything that can be found out about a rotation now, beyond `prepare`, and without changing anything: afterwards
   * the target is as it was before. `context.sendBy` is in the past. Absent: `prepare` is all that can be looked at.
   * @throws RotationFailure as the rotation would end in
   */
  rehearse?(inputs: Inputs, state: RotatorState<Credential>, context: RotatorContext): Promise<Rehearsal>
  /**
   * The one change at the target, for exactly what `prepared` says. The answer is the new credential.
   * @throws RotationFailure; WriteDownFirst when more has to be changed than `prepared` says
   */
  apply(inputs: Inputs, prepared: Prepared, context: RotatorContext): Promise<Credential>
  /**
   * Milliseconds for which a change may still land after `sendBy + 2 × changeTimeout`, where something between here and
   * the target goes on by itself. Absent: none. Pure.
   */
  lingers?(prepared: Prepared): number
  /** The credential that `prepared` will have made, where the value is ours to choose; null where it is not. */
  candidate(prepared: Prepared): Credential | null
  /** A real log-in over the route that the definition names. @throws when it cannot tell. */
  test(inputs: Inputs, credential: Credential, context: RotatorContext): Promise<TestAnswer>
  /**
   * Why the target may refuse a log-in that should work, in words for a person that say what to do; undefined where
   * nothing is found that would explain it. Changes nothing.
   */
  whyRefused?(inputs: Inputs, credential: Credential, context: RotatorContext): Promise<string | undefined>
  /**
   * Asks the target what became of an `apply` whose answer was lost; called when nothing can land any more.
   * `published` is what the newest revision holds: never what was lost, whatever `prepared` says.
   */
  recover?(
    inputs: Inputs,
    prepared: Prepared,
    context: RotatorContext,
    published?: RotatorState<Credential>,
  ): Promise<RecoverAnswer<Credential, Prepared>>
  /** Removes a credential that was handed to Rekey. */
  remove?(inputs: Inputs, credential: Credential, context: RotatorContext): Promise<void>
  /**
   * Removes what a person hands over by its id: one of the suspects that `recover` names for `prepared`, or nothing at
   * all. One that is gone already is removed.
   * @throws RotationFailure INPUT_INVALID when it is none of them
   */
  removeSuspect?(
    inputs: Inputs,
    prepared: Prepared,
    id: string,
    context: RotatorContext,
    published?: RotatorState<Credential>,
  ): Promise<void>
}

/** A rotator whose type parameters the caller need not know: what the registry holds. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyRotator = Rotator<any, any, any>
