/**
 * What is known after a fire, as plain data: what the store held and when, what passed before the targets, what they
 * hold now, what Temporal remembers. Gathered by collect.ts, judged by invariants.ts. Times in milliseconds since 1970.
 */
import type { Seen } from './targets/target.ts'

export interface Evidence {
  environments: { id: string; name: string; deleted: boolean }[]
  /** Every version of every journal row, in the order of `seq`. */
  rows: RowVersion[]
  events: EventVersion[]
  requests: RequestVersion[]
  claims: ClaimVersion[]
  revisions: RevisionSeen[]
  /** In the order of `at`. */
  seen: Witnessed[]
  /** The slots that were handed over, by target; null where the target makes them up. */
  handedOver: Record<string, string[] | null>
  /** What a log-in at the target, past the wire, said of each slot of each newest revision at the end. */
  probes: Probe[]
  /** What was found wrong while it burned. */
  sightings: Sighting[]
  holdings: { target: string; identity: string; foreign: boolean; known: string | null }[]
  bystanders: { target: string; before: string; after: string }[]
  asked: { environmentId: string; key: string; eventIds: string[] }[]
  workflows: WorkflowSeen[]
  leaks: { place: string; what: string }[]
  /** Characters that were searched for secrets, by place. */
  searched: Record<string, number>
}

export interface RowVersion {
  seq: number
  committedAt: number
  id: string
  eventId: string
  environmentId: string
  path: string
  /** The name of a target of the fire; null where none was named. */
  target: string | null
  step: string
  outcome: string | null
  code: string | null
  message: string | null
  fence: number
  sentUntil: number | null
  settledAt: number | null
  createdAt: number
  /** Tells values apart without being one; null where nothing is written down. */
  prepared: string | null
  burntCount: number
  /** Which slot the sealed credential is. */
  identity: string | null
}

export interface EventVersion {
  seq: number
  committedAt: number
  id: string
  environmentId: string
  trigger: string
  /** `rotate`, or what a person or the sweeper has done to an earlier rotation. */
  action: string
  /** The due time, or the later try, that it was begun for: each begins one event. */
  occasion: string | null
  outcome: string | null
  postRevision: number | null
  completed: boolean
}

export interface RequestVersion {
  seq: number
  id: string
  environmentId: string
  key: string | null
  status: string
  eventId: string
}

export interface ClaimVersion {
  seq: number
  removed: boolean
  claim: string
  environmentId: string
  path: string
}

export interface RevisionSeen {
  environmentId: string
  number: number
  eventId: string | null
  committedAt: number
  /** A digest of the text when it was written, and of the one that is stored now. */
  written: string
  stored: string | null
  states: SlotState[]
}

export interface SlotState {
  path: string
  target: string
  current: string | null
  previous: string | null
}

export interface Witnessed extends Seen {
  /** Versions of journal rows that say exactly this, whenever they were committed. */
  saidBy: {
    rotationId: string
    seq: number
    committedAt: number
    sentUntil: number | null
    removes: boolean
  }[]
}

export interface Probe {
  environmentId: string
  path: string
  target: string
  revision: number
  slot: 'current' | 'previous'
  identity: string
  works: boolean
}

export interface Sighting {
  at: number
  environmentId: string
  path: string
  slot: 'current' | 'previous'
  identity: string
  what: string
}

export interface WorkflowSeen {
  workflowId: string
  runId: string
  status: string
  failures: { kind: string; type: string; message: string; stack: boolean }[]
}

export interface Violation {
  /** 1 to 10, as ARCHITECTURE.md numbers them. */
  invariant: number
  what: string
  /** Whose history explains it. */
  environmentId?: string
  rotationId?: string
  evidence: unknown
}
