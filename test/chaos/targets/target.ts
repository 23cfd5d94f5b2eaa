/**
 * The contract between the fire and one kind of target: a credential's owner who hands it to Rekey, watches the wire in
 * front of it, and can tell afterwards what it holds. Never asks Rekey.
 */
import type { Random } from '../random.ts'
import type { Wire } from '../wire.ts'

/** What one connection's bytes mean; see Wire. */
export interface Conversation {
  /** A chunk on its way to the target. */
  sent(chunk: Buffer): Sent | undefined
  /** A chunk of the target's answer, whoever may hear it. */
  answered(chunk: Buffer): void
}

export interface Sent {
  /** `change`: what is changed arrives; `commit`: with this chunk it takes effect. A change in one step is both. */
  moments: readonly ('change' | 'commit')[]
  /** What the target would say to slow down, or to refuse the value, where this chunk can be answered so. */
  throttled?: Buffer
  refused?: Buffer
  /** The chunk has been handed to the target. */
  delivered?(): void
}

/** Something that happened at the target, as the wire in front of it saw it. Times in milliseconds since 1970. */
export interface Seen {
  target: string
  what: 'login' | 'set' | 'make' | 'remove'
  /** When the client had sent it. */
  at: number
  /** When it reached the target. */
  deliveredAt: number | null
  /** The user, or the key's id; null where the target makes it up and has not said. */
  identity: string | null
  /** What was sent for a credential, in the target's own terms. */
  value: string | null
  /** When the target answered that it is so; null as long as it has not. */
  effectiveAt: number | null
}

/** A credential that the target holds, whoever made it. */
export interface Holding {
  identity: string
  /** True when it was made by somebody else than Rekey and never handed to it. */
  foreign: boolean
  /** Whether this credential is it. */
  is(credential: unknown): boolean
}

export interface ChaosTarget {
  /** The rotator's name. */
  kind: string
  name: string
  /** As Rekey claims it. */
  claims: string[]
  wire: Wire
  /** Slots that were handed over; null where the target makes them up. */
  handedOver: string[] | null
  /** Values for a definition, by key: the rotate call at `key`, and what it needs beside it. Indented by two. */
  yaml(key: string): string
  identity(credential: unknown): string
  /** Logs in past the wire. @throws when that cannot be told */
  works(credential: unknown): Promise<boolean>
  holdings(): Promise<Holding[]>
  /** Whether `prepared`, or a made credential, of a journal row says exactly this. */
  says(seen: Seen, row: { prepared: unknown; credential: unknown; burnt: unknown[] }): boolean
  /** Everything at the target that is none of Rekey's business, as one text. */
  bystanders(): Promise<string>
  /** Texts that must not be in clear anywhere. */
  secrets: string[]
  /** The texts of a credential that must not be in clear. */
  secretsOf(credential: unknown): string[]
  /** A person gives a user this very credential, past the wire. Absent where the target makes credentials up. */
  setByHand?(credential: unknown): Promise<void>
  /** A credential for a user, of a person's own making. */
  ofOnesOwn?(identity: string): unknown
  /** Takes away what is none of `published`, where the target knows several credentials. */
  revokeOthers?(published: string[]): Promise<void>
  /** Somebody else makes or removes something here, or a person settles what Rekey has named. Undefined: nobody does. */
  somebody?: Somebody
}

export interface Somebody {
  /** Returns what was done, in a word for the counts; undefined when nothing was. */
  act(random: Random): Promise<string | undefined>
  /** Of the credentials that Rekey has named, those that are of no use to anybody. Those in `published` never are. */
  leftBehind(named: string, published: string[]): Promise<string[]>
  /** Removes those. */
  settle(named: string, published: string[]): Promise<boolean>
  /** Takes away what somebody made, so that everything can settle. */
  leave(): Promise<void>
}

export interface Ground {
  folder: string
  signal: AbortSignal
  random: Random
  seen: Seen[]
  /** Counts a fault that struck. */
  struck(fault: string): void
}

export interface TargetServer {
  /** @param alone nobody else makes anything there */
  make(alone?: boolean): Promise<ChaosTarget>
  /** For the programs that talk to it. */
  env: Record<string, string>
  stop(): Promise<void>
}

export interface TargetKind {
  /** The rotator's name, or of the way to it. */
  name: string
  /** Only at these points it is halted, and in a rotation as usual: for a way to what another kind is halted at. */
  points?: RegExp
  start(ground: Ground): Promise<TargetServer>
}

/** Now, finer than `Date.now()`: to be compared with the clock of PostgreSQL. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
