/**
 * Asking for a dry run and waiting for what it tells. The question is a row that a worker reads; Temporal carries its id
 * alone, and the row is gone once it has been answered.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client'
import { TimeoutFailure } from '@temporalio/common'
import type { RehearsalInput } from '../activities/index.ts'
import type { RehearsalResult } from '../model/rehearsal.ts'
import { isRefusal, Refusal } from '../model/refusal.ts'
import { appendAudit } from '../store/audit.ts'
import { findEnvironmentById } from '../store/environments.ts'
import { insertRehearsal, takeRehearsal, type Rehearsal } from '../store/rehearsals.ts'
import { inTransaction } from '../store/transaction.ts'
import { oneLine } from '../workflows/operator-texts.ts'
import { isAway } from './connect.ts'
import type { RotationsClient } from './rotations.ts'

export type RehearsalRequest = Omit<Rehearsal, 'id'>

/** Milliseconds: to have it started, for a worker to begin it, and until it has ended by its own limits. */
const START_DEADLINE = 5_000
const BEGIN_DEADLINE = 30_000
const END_DEADLINE = 160_000
/** Events of a run that no worker has seen: that it was started, and that somebody is to begin it. */
const UNTOUCHED = 2

/**
 * @param signal fires when nobody waits for the answer any more
 * @throws Refusal not-found; unavailable when Temporal is away, no worker is there, or time ran out
 */
export async function rehearse(
  on: Pick<RotationsClient, 'client' | 'db' | 'taskQueue'>,
  asked: RehearsalRequest,
  signal: AbortSignal,
): Promise<RehearsalResult> {
  const id = randomUUID()
  const environmentName = await write(on, { ...asked, id })
  try {
    const args: [RehearsalInput] = [{ rehearsalId: id }]
    const handle = await on.client.connection.withDeadline(Date.now() + START_DEADLINE, () =>
      on.client.workflow.start('rehearseRotation', {
        workflowId: `rehearse/${asked.environmentId}/${id}`,
        taskQueue: on.taskQueue,
        args,
        // Whatever becomes of its worker: nobody waits for longer.
        workflowExecutionTimeout: END_DEADLINE,
        staticSummary: oneLine(`${environmentName} · dry run`),
        memo: { environment: environmentName, environmentId: asked.environmentId },
      }),
    )
    await untilEnd(on.client, handle, signal)
  } catch (error) {
    await takeRehearsal(on.db, id)
    throw signal.aborted ? error : worded(error)
  }
  const result = await takeRehearsal(on.db, id)
  if (result === null) throw new Refusal('not-found', 'the environment does not exist any more')
  return result as RehearsalResult
}

/** @throws Refusal unavailable when no worker has begun it after a while: a run waits for one without any limit of its own. */
async function untilEnd(client: Client, handle: WorkflowHandle, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const ended = client.connection.withAbortSignal(AbortSignal.any([signal, over.signal]), () =>
    client.connection.withDeadline(Date.now() + END_DEADLINE, () => handle.result()),
  )
  const begun = async () => {
    await sleep(BEGIN_DEADLINE, undefined, { signal: over.signal })
    const { historyLength } = await handle.describe()
    if (historyLength > UNTOUCHED) return await ended
    throw noWorker()
  }
  const watched = begun()
  for (const left of [ended, watched]) left.catch(() => undefined)
  try {
    await Promise.race([ended, watched])
  } catch (error) {
    // Whoever comes up later finds nobody who waits for it.
    if (isRefusal(error)) await handle.terminate('no worker took it up').catch(() => undefined)
    throw error
  } finally {
    over.abort()
  }
}

/** The row and its line in the audit log. @returns the environment's name */
async function write({ db }: Pick<RotationsClient, 'db'>, rehearsal: Rehearsal): Promise<string> {
  const { environmentId, login, paths, force } = rehearsal
  return await inTransaction(db, async (transaction) => {
    const environment = await findEnvironmentById(transaction, environmentId)
    if (!environment || environment.deletedAt)
      throw new Refusal('not-found', 'the environment does not exist any more')
    const { organization, project, name } = environment
    await insertRehearsal(transaction, rehearsal)
    await appendAudit(transaction, {
      actor: login,
      action: 'rotation.plan',
      organization,
      environmentId,
      details: { paths, force },
    })
    return `${organization}/${project}/${name}`
  })
}

function worded(error: unknown): unknown {
  if (isAway(error))
    return new Refusal('unavailable', 'Temporal is away, and nothing was looked at; try again in a moment')
  if (!(error instanceof WorkflowFailedError)) return error
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause as Error | undefined)
    if (cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START') return noWorker()
  return new Refusal('unavailable', 'the dry run did not come to an end; the log of the worker says more')
}

function noWorker(): Refusal {
  return new Refusal(
    'unavailable',
    'no worker takes up work, so nothing was looked at; start one, or look at its log',
  )
}
