/** Invariants 1 to 5: what becomes of credentials, judged by what passed before the targets and what they hold. */
import type { Evidence, Violation } from '../evidence.ts'
import { changes, finalRows, publishedAt, SLACK, versionsOf } from './timeline.ts'

/** 1: what Rekey publishes as `current` has logged in before, and keeps working. */
export function currentWorks(evidence: Evidence): Violation[] {
  const found: Violation[] = []
  const say = (what: string, proof: unknown, ids: Partial<Violation> = {}) =>
    found.push({ invariant: 1, what, evidence: proof, ...ids })
  for (const probe of evidence.probes)
    if (probe.slot === 'current' && !probe.works)
      say('the current credential of the newest revision does not log in', probe, {
        environmentId: probe.environmentId,
      })
  for (const sighting of evidence.sightings)
    if (sighting.slot === 'current') say(sighting.what, sighting, { environmentId: sighting.environmentId })
  for (const row of evidence.rows.filter(({ step }) => step === 'published')) {
    const versions = versionsOf(evidence, row.id)
    // What people go back to, or adopt, is only tested: nothing of it was made since.
    const begun = versions.find(({ step }) => step === 'prepared' || step === 'applied') ?? versions[0]
    const loggedIn = evidence.seen.some(
      ({ what, target, identity, at, effectiveAt }) =>
        what === 'login' &&
        effectiveAt !== null &&
        target === row.target &&
        identity === row.identity &&
        at >= (begun?.committedAt ?? Number.POSITIVE_INFINITY) - SLACK &&
        at <= row.committedAt,
    )
    if (!loggedIn)
      say('a credential was published that had not logged in since it was made', row, {
        environmentId: row.environmentId,
        rotationId: row.id,
      })
  }
  for (const change of changes(evidence)) {
    if (change.effectiveAt === null || change.what === 'make') continue
    for (const published of publishedAt(evidence, change.target, change.effectiveAt))
      if (published.current !== null && published.current === change.identity)
        say(
          'the slot that is published as current was changed',
          { change, published },
          {
            environmentId: published.environmentId,
          },
        )
  }
  return found
}

/** 2: what was current before works until the next rotation begins its change, and none begins before current logged in. */
export function previousWorks(evidence: Evidence): Violation[] {
  const found: Violation[] = []
  const say = (what: string, proof: unknown, ids: Partial<Violation> = {}) =>
    found.push({ invariant: 2, what, evidence: proof, ...ids })
  const created = new Map(evidence.rows.map((row) => [row.id, row.createdAt]))
  const begunSince = (environmentId: string, path: string, since: number) =>
    finalRows(evidence).some(
      (row) =>
        row.environmentId === environmentId &&
        row.path === path &&
        row.createdAt >= since - SLACK &&
        row.sentUntil !== null,
    )
  for (const probe of evidence.probes) {
    if (probe.slot !== 'previous' || probe.works) continue
    const [published] = publishedAt(evidence, probe.target, Number.POSITIVE_INFINITY).filter(
      ({ environmentId, path }) => environmentId === probe.environmentId && path === probe.path,
    )
    if (!published || !begunSince(probe.environmentId, probe.path, published.since))
      say('the previous credential does not log in, and no rotation has begun a change since', probe, {
        environmentId: probe.environmentId,
      })
  }
  for (const sighting of evidence.sightings)
    if (sighting.slot === 'previous') say(sighting.what, sighting, { environmentId: sighting.environmentId })
  for (const change of changes(evidence)) {
    const rows = change.saidBy.map(({ rotationId }) => rotationId)
    const idsOf = ({ environmentId }: { environmentId: string }) => ({
      environmentId,
      ...(rows[0] !== undefined && { rotationId: rows[0] }),
    })
    const { effectiveAt } = change
    for (const state of effectiveAt === null ? [] : publishedAt(evidence, change.target, effectiveAt)) {
      if (state.previous === null || state.previous !== change.identity) continue
      if (!rows.some((id) => (created.get(id) ?? 0) >= state.since - SLACK))
        say(
          'the previous credential was changed by a rotation older than its publication',
          { change, state },
          idsOf(state),
        )
    }
    for (const state of publishedAt(evidence, change.target, change.at)) {
      if (state.current === null || rows.length === 0) continue
      const from = Math.max(...rows.map((id) => created.get(id) ?? 0).filter((at) => at <= change.at))
      const tested = evidence.seen.some(
        ({ what, target, identity, at, effectiveAt }) =>
          what === 'login' &&
          effectiveAt !== null &&
          target === change.target &&
          identity === state.current &&
          at >= from - SLACK &&
          at <= change.at,
      )
      if (!tested)
        say('a change was sent before the current credential had logged in', { change, state }, idsOf(state))
    }
  }
  return found
}

/** 3: a committed row says exactly what, before a call that changes a target is sent. */
export function writtenDownFirst(evidence: Evidence): Violation[] {
  return changes(evidence)
    .filter((change) => !change.saidBy.some(({ committedAt }) => committedAt <= change.at + SLACK))
    .map((change) => ({
      invariant: 3,
      what: 'a change was sent that no committed row said',
      evidence: change,
    }))
}

/** 4: what Rekey made is in a revision or in the journal, or its id is kept as a suspect. */
export function nothingLost(evidence: Evidence): Violation[] {
  return evidence.holdings
    .filter(({ foreign, known }) => !foreign && known === null)
    .map((holding) => ({
      invariant: 4,
      what: 'the target holds a credential that neither a revision nor the journal knows',
      evidence: holding,
    }))
}

/** 5: only what was handed over is changed. */
export function nothingForeignTouched(evidence: Evidence): Violation[] {
  const found: Violation[] = evidence.bystanders
    .filter(({ before, after }) => before !== after)
    .map((bystander) => ({
      invariant: 5,
      what: 'something at the target that was never handed over has changed',
      evidence: bystander,
    }))
  for (const change of changes(evidence)) {
    const slots = evidence.handedOver[change.target]
    if (change.what === 'set' && change.identity !== null && !slots?.includes(change.identity))
      found.push({ invariant: 5, what: 'a user was changed that nobody handed over', evidence: change })
    if (change.what !== 'remove') continue
    const ours =
      evidence.seen.some(
        (other) =>
          other.what === 'make' && other.target === change.target && other.identity === change.identity,
      ) || change.saidBy.some(({ removes }) => !removes)
    if (!ours)
      found.push({ invariant: 5, what: 'a key was removed that Rekey had not made', evidence: change })
  }
  return found
}
