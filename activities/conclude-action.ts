/** The commit's part of an action by hand: what it changes in the store, in the transaction that closes its event. */
import { credentialHmac } from '../environments/state.ts'
import { calls } from '../language/index.ts'
import { freeClaim, releaseClaims } from '../store/claims.ts'
import type { Queryable } from '../store/database.ts'
import type { Environment } from '../store/environments.ts'
import type { RotationEvent } from '../store/events.ts'
import { renewHeld } from '../store/held.ts'
import type { Rotation } from '../store/rotation-row.ts'
import type { Revision } from '../store/revisions.ts'
import { findRotation } from '../store/rotation-records.ts'
import { listUnsettledOf, settleRotation } from '../store/unsettled.ts'
import { parseDefinition } from './definition.ts'
import type { NewState } from './patch-states.ts'
import type { ActivityServices } from './services.ts'

/** `newest` is the revision that was the newest before this event. */
export async function concludeAction(
  db: Queryable,
  {
    event,
    environment,
    newest,
    rotations,
  }: { event: RotationEvent; environment: Environment; newest: Revision; rotations: Rotation[] },
): Promise<void> {
  const { action, subject } = event
  for (const row of rotations.filter(({ outcome }) => outcome === 'succeeded')) {
    if (action === 'release' && subject.target !== undefined) {
      if (subject.giveUp)
        for (const left of await listUnsettledOf(db, subject.target))
          if (left.environmentId === environment.id) await settleRotation(db, left.id, row.id)
      await freeClaim(db, environment.id, subject.target)
    }
    const earlier = subject.rotation === undefined ? undefined : await findRotation(db, subject.rotation)
    if (!earlier) continue
    await settleRotation(db, earlier.id, row.id)
    // Its claims have waited for this, if its call is gone.
    if (environment.deletedAt || !hasCall(environment, newest, earlier.path))
      await releaseClaims(db, environment.id, earlier.path)
  }
}

/** After an undo the newest credential of a path is one that was held before. */
export async function noteUndone(
  services: ActivityServices,
  db: Queryable,
  row: Rotation,
  revision: number,
  state: NewState,
): Promise<void> {
  const hmac = credentialHmac(services.environments.keeper, state.current)
  const { environmentId, path, targets } = row
  await renewHeld(db, { environmentId, path, revision, targets, hmac })
}

function hasCall(environment: Environment, newest: Revision, path: string): boolean {
  return calls(parseDefinition(environment, newest.text)).some((call) => call.path === path)
}
