/** What an event does: it rotates, or carries out what a person decided about credentials, targets and states. */

export const ACTIONS = [
  /** Replaces credentials. */
  'rotate',
  /** Publishes what an earlier rotation left in the journal. */
  'adopt',
  /** Takes back or gives up what an earlier rotation left. */
  'discard',
  /** The sweeper's: settles what an earlier rotation left, where that can be told without a person. */
  'settle',
  /** Lets both slots of a state change places. */
  'undo',
  /** Drops the state of a call. */
  'forget',
  /** Frees a claimed target. */
  'release',
] as const

export type Action = (typeof ACTIONS)[number]

/** What an action is about, beside its paths. Ids and names alone, never a secret; absent where it says nothing. */
export interface Subject {
  /** adopt, discard, settle: the earlier rotation. */
  rotation?: string
  /** discard: id of the key at the target that is handed over to be removed. */
  key?: string
  /** discard, release: a person answers for what cannot be told. */
  giveUp?: boolean
  /** release. */
  target?: string
  /** undo, forget: the revision that was looked at; a state that another one holds by now is left alone. */
  revision?: number
  /** rotate: the event whose failed paths are tried again. */
  event?: string
  /** rotate: which of the tries that follow a scheduled event by themselves, from 1; absent where somebody asked. */
  retry?: number
}

/** Actions that a deleted environment still takes: what its rotations left has to end somewhere. */
export const ACTIONS_ON_TOMBSTONES: readonly Action[] = ['discard', 'settle', 'release']

/** True where two subjects say the same. */
export function sameSubject(a: Subject, b: Subject): boolean {
  const parts = (subject: Subject) =>
    JSON.stringify([
      subject.rotation ?? null,
      subject.key ?? null,
      subject.giveUp ?? false,
      subject.target ?? null,
      subject.revision ?? null,
      subject.event ?? null,
      subject.retry ?? null,
    ])
  return parts(a) === parts(b)
}

/** What the audit log says of an action beside the event: nothing for a rotation, but what it tries again. */
export function actionDetails({ action, subject }: { action: Action; subject: Subject }) {
  return action === 'rotate' ? subject : { action, ...subject }
}
