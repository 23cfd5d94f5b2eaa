/**
 * The sweeper: has what rotations left in doubt looked at now and then, each time as an event of its environment, and
 * says how much is left for people. It asks no target and settles nothing itself.
 */
import { appendAudit } from '../store/audit.ts'
import { lockEnvironment } from '../store/environments.ts'
import { insertRequest } from '../store/requests.ts'
import { findRotation } from '../store/rotation-records.ts'
import { sweepCandidates, type SweepCandidate } from '../store/sweeps.ts'
import { inTransaction } from '../store/transaction.ts'
import { unsettledCounts } from '../store/unsettled-rows.ts'
import { originOf } from './guarded.ts'
import type { ActivityServices } from './services.ts'

export interface SweepResult {
  /** Rotations that are looked at now. */
  asked: number
  /** Rotations that are unsettled, those included. */
  unsettled: number
}

/** Milliseconds from one look at a rotation to the next: what could not be told at once will hardly be told soon. */
const PAUSES = [3_600_000, 6 * 3_600_000, 24 * 3_600_000]
/** In one sweep; the next one goes on. */
const MOST = 200

export async function sweepUnsettled(services: ActivityServices): Promise<SweepResult> {
  const { db } = services.environments
  let asked = 0
  // One at a time in each environment: they would wait for one another anyway.
  const environments = new Set<string>()
  for (const candidate of await sweepCandidates(db, MOST)) {
    if (!isDue(candidate) || environments.has(candidate.environmentId)) continue
    environments.add(candidate.environmentId)
    if (await ask(services, candidate)) asked += 1
  }
  const counts = await unsettledCounts(db)
  const unsettled = counts.reduce((sum, { rows }) => sum + rows, 0)
  if (unsettled > 0)
    services.log.warn(
      { unsettled, asked, counts },
      'rotations have left something in doubt: "rekey rotation ls" names them',
    )
  return { asked, unsettled }
}

function isDue({ sweeps, sinceLast }: SweepCandidate): boolean {
  if (sinceLast === null) return true
  return sinceLast >= PAUSES[Math.min(sweeps, PAUSES.length) - 1]!
}

async function ask(services: ActivityServices, candidate: SweepCandidate): Promise<boolean> {
  const { rotationId, environmentId, login } = candidate
  const written = await inTransaction(services.environments.db, async (db) => {
    const environment = await lockEnvironment(db, environmentId)
    // Settled since it was listed, perhaps.
    if (!environment || !(await findRotation(db, rotationId))?.unsettled) return false
    const { eventId } = await insertRequest(db, {
      environmentId,
      trigger: 'sweep',
      action: 'settle',
      subject: { rotation: rotationId },
      login,
      paths: null,
      force: false,
      requestKey: null,
    })
    await appendAudit(db, {
      actor: 'system',
      action: 'rotation.request',
      organization: environment.organization,
      environmentId,
      details: { event: eventId, action: 'settle', rotation: rotationId },
    })
    return true
  })
  if (!written) return false
  try {
    await services.wake?.(candidate)
  } catch (error) {
    services.log.warn(originOf(error), 'a request of the sweeper waits for the reconciler')
  }
  return true
}
