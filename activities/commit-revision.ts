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
import { completeEvent, findEvent, type EventWithRotations } from '../store/events.ts'
import { recordHeld } from '../store/held.ts'
import { advance, enterRotation, rotationsOf, verifiedLongAgo, type Rotation } from '../store/journal.ts'
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
      /** Those that the workflow may set now. */
      searchAttributes?: readonly string[]
    }

export async function commitRevision(services: ActivityServices, input: CommitInput): Promise<CommitResult> {
  const { db } = services.environments
  for (;;) {
    const event = await findEvent(db, input.eventId)
    if (!event) return { kind: 'superseded' }
    if (event.completedAt) return { kind: 'committed', summary: summaryOf(event) }
    if (event.workflowId !== input.workflowId) return { kind: 'superseded' }
    await services.at('commit: begun')
    const stale = await verifiedLongAgo(db, event.id, services.limits.verifiedFor)
    if (stale.length > 0) return { kind: 'verify again', rotationIds: stale }

    for (const row of await rotationsOf(db, event.id)) {
      if (row.outcome === null && row.step !== 'verified') await closeUnfinished(services, row)
    }
    const environment = await findEnvironmentById(db, input.environmentId)
    const newest = environment && (await latestRevision(db, environment.id))
    if (!environment || !newest) return { kind: 'superseded' }
    const verified = (await rotationsOf(db, event.id)).filter(
      (row) => row.step === 'verified' && !row.outcome,
    )
    const publication = await textOf(services, { environment, event, newest, rotations: verified })
    await services.at('commit: text made')
    const done = await inTransaction(db, (transaction) =>
      publish(services, transaction, { environment, event, newest, publication }),
    )
    await services.at('commit: done')
    if (!done) continue
    const committed = await findEvent(db, event.id)
    if (committed) eventEnded(services, committed)
    if (committed) return { kind: 'committed', summary: summaryOf(committed) }
  }
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
  if ((await findEvent(db, event.id))?.completedAt !== null) return false
  // Asked again: a process that was stopped in between has no present log-in to show.
  if ((await verifiedLongAgo(db, event.id, services.limits.verifiedFor)).length > 0) return false
  const { published, forgotten, failed } = publication
  for (const { row, code, message } of failed) {
    const fresh = await enter(db, row)
    await advance(db, fresh, { outcome: 'failed', failureCode: code, message })
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
    for (const { row, state } of published) {
      const fresh = await enter(db, row)
      await advance(db, fresh, {
        step: 'published',
        outcome: 'succeeded',
        failureCode: null,
        message: null,
        settled: true,
      })
      await recordHeld(db, {
        environmentId: environment.id,
        path: row.path,
        revision,
        targets: row.targets,
        hmacs: stateHmacs(services.environments.keeper, state),
      })
      if (event.action === 'undo') await noteUndone(services, db, row, revision, state)
    }
  }
  // No credential is published for these: what the target had to answer for has been answered.
  for (const row of [...forgotten, ...publication.decided])
    await advance(db, await enter(db, row), { step: 'closed', outcome: 'succeeded' })
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

/** The commit raises the fence too: an attempt that wakes up now must not write any more. */
async function enter(db: Queryable, row: Rotation): Promise<Rotation> {
  return (await enterRotation(db, row.id)) ?? row
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
