/**
 * Publishes: one new revision with every verified credential, once all outcomes are known. The text is made and read
 * back outside a transaction, then written in one that finds nothing moved, or the whole is done again.
 */
import { stateHmacs } from '../environments/state.ts'
import { actionDetails } from '../model/actions.ts'
import type { FailureCode } from '../model/failures.ts'
import { isFailureCode } from '../model/failures.ts'
import { eventOutcome } from '../model/outcomes.ts'
import { appendAudit } from '../store/audit.ts'
import type { Queryable } from '../store/database.ts'
import { findEnvironmentById, lockEnvironment, type Environment } from '../store/environments.ts'
import { completeEvent, findEvent, findEventRow, type EventWithRotations } from '../store/events.ts'
import { recordHeld } from '../store/held.ts'
import { concludeRotations, rotationsOf, verifiedLongAgo } from '../store/journal.ts'
import { oldestWaiting } from '../store/requests.ts'
import { appendRevision, latestRevision, type Revision } from '../store/revisions.ts'
import { inTransaction } from '../store/transaction.ts'
import { eventEnded } from './observe.ts'
import { concludeAction, noteUndone } from './conclude-action.ts'
import { forgottenText } from './forgotten-text.ts'
import { publishedText, type Publication } from './published-text.ts'
import { planRetry } from './plan-retry.ts'
import { closeUnfinished, type PathResult } from './rotate-secret.ts'
import type { ActivityServices } from './services.ts'

export interface CommitInput {
  environmentId: string
  eventId: string
  workflowId: string
  runId: string
}

export type CommitResult =
  /** Another run drives this event now; this one has nothing to say any more. */
  | { kind: 'superseded' }
  /** Their log-ins are too long ago. */
  | { kind: 'verify again'; rotationIds: string[] }
  | {
      kind: 'committed'
      summary: { outcome: 'succeeded' | 'failed'; revision: number | null; rotations: PathResult[] }
      /** Whether anybody waits for another event; where it is not known, a plan finds out. */
      waiting?: boolean
      /** Those that the workflow may set now. */
      searchAttributes?: readonly string[]
    }

export async function commitRevision(services: ActivityServices, input: CommitInput): Promise<CommitResult> {
  const { db } = services.environments
  for (;;) {
    const event = await findEvent(db, input.eventId)
    if (!event) return { kind: 'superseded' }
    if (event.completedAt) return await committed(db, event)
    if (event.workflowId !== input.workflowId) return { kind: 'superseded' }
    await services.at('commit: begun')
    const stale = await verifiedLongAgo(db, event.id, services.limits.verifiedFor)
    if (stale.length > 0) return { kind: 'verify again', rotationIds: stale }

    let rows = await rotationsOf(db, event.id)
    const unfinished = rows.filter(({ outcome, step }) => outcome === null && step !== 'verified')
    for (const row of unfinished) await closeUnfinished(services, row)
    if (unfinished.length > 0) rows = await rotationsOf(db, event.id)
    const environment = await findEnvironmentById(db, input.environmentId)
    const newest = environment && (await latestRevision(db, environment.id))
    if (!environment || !newest) return { kind: 'superseded' }
    const verified = rows.filter((row) => row.step === 'verified' && !row.outcome)
    const publication = await textOf(services, { environment, event, newest, rotations: verified })
    await services.at('commit: text made')
    const done = await inTransaction(db, (transaction) =>
      publish(services, transaction, { environment, event, newest, publication }),
    )
    await services.at('commit: done')
    if (!done) continue
    const ended = await findEvent(db, event.id)
    if (!ended) continue
    eventEnded(services, ended)
    return await committed(db, ended)
  }
}

/** Asked after the commit: whoever writes a request from here on wakes the run, or finds no event open and begins one. */
async function committed(db: Queryable, event: EventWithRotations): Promise<CommitResult> {
  const waiting = (await oldestWaiting(db, event.environmentId)) !== undefined
  return { kind: 'committed', summary: summaryOf(event), waiting }
}

/** What the event does to the text; nothing where it concerns the journal and the claims alone. */
async function textOf(
  services: ActivityServices,
  source: Parameters<typeof publishedText>[1] & { event: EventWithRotations },
): Promise<Publication> {
  const { action } = source.event
  if (action === 'forget') return await forgottenText(services, source)
  if (action === 'rotate' || action === 'adopt' || action === 'undo')
    return await publishedText(services, source)
  return {
    text: source.newest.text,
    published: [],
    forgotten: [],
    decided: source.rotations,
    failed: [],
  }
}

/** False when the definition or the event moved since the text was made. */
async function publish(
  services: ActivityServices,
  db: Queryable,
  {
    environment,
    event,
    newest,
    publication,
  }: { environment: Environment; event: EventWithRotations; newest: Revision; publication: Publication },
): Promise<boolean> {
  const locked = await lockEnvironment(db, environment.id)
  if (locked?.newestRevision !== newest.number) return false
  if ((await findEventRow(db, event.id))?.completedAt !== null) return false
  // Asked again: a process that was stopped in between has no present log-in to show.
  if ((await verifiedLongAgo(db, event.id, services.limits.verifiedFor)).length > 0) return false
  const { published, forgotten, failed } = publication
  for (const { row, code, message } of failed) {
    // This raises the fence too, as publishing does: an attempt that wakes up now must not write any more.
    await concludeRotations(db, [row.id], { outcome: 'failed', failureCode: code, message })
  }
  let revision: number | null = null
  if (published.length + forgotten.length > 0) {
    const appended = await appendRevision(db, {
      environmentId: environment.id,
      text: publication.text,
      creator: event.login,
      eventId: event.id,
    })
    revision = appended.number
    const { number } = appended
    await concludeRotations(
      db,
      published.map(({ row }) => row.id),
      { step: 'published', outcome: 'succeeded', failureCode: null, message: null, settled: true },
    )
    const held = published.map(({ row: { path, targets }, state }) => {
      const hmacs = stateHmacs(services.environments.keeper, state)
      return { environmentId: environment.id, path, revision: number, targets, hmacs }
    })
    await recordHeld(db, ...held)
    if (event.action === 'undo')
      for (const { row, state } of published) await noteUndone(services, db, row, number, state)
  }
  // No credential is published for these: what the target had to answer for has been answered.
  await concludeRotations(
    db,
    [...forgotten, ...publication.decided].map(({ id }) => id),
    { step: 'closed', outcome: 'succeeded' },
  )
  await services.at('commit: written, not committed')
  const rotations = await rotationsOf(db, event.id)
  await concludeAction(db, { event, environment, newest, rotations })
  const outcome = eventOutcome(rotations.map((row) => row.outcome ?? 'unknown'))
  await completeEvent(db, event.id, { outcome, postRevision: revision })
  await planRetry(db, { event, rotations, revision: revision ?? newest.number }, services.limits.retryAfter)
  await appendAudit(db, {
    actor: event.login,
    action: `rotation.${outcome === 'succeeded' ? 'succeed' : 'fail'}`,
    organization: environment.organization,
    environmentId: environment.id,
    details: { event: event.id, revision, trigger: event.trigger, ...actionDetails(event) },
  })
  return true
}

function summaryOf(event: EventWithRotations): {
  outcome: 'succeeded' | 'failed'
  revision: number | null
  rotations: PathResult[]
} {
  const code = (text: string | null): FailureCode | null => (isFailureCode(text) ? text : null)
  return {
    outcome: event.outcome ?? 'failed',
    revision: event.postRevision,
    rotations: event.rotations.map((rotation) => ({
      path: rotation.path,
      outcome: rotation.outcome ?? 'unknown',
      code: code(rotation.failureCode),
    })),
  }
}
