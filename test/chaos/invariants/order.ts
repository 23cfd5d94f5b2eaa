/** Invariants 6 to 8: who may act when, how often, and what is written of it; judged by every version of every row. */
import type { Evidence, Violation } from '../evidence.ts'
import { changes, finalRows, newestSender, SLACK } from './timeline.ts'

const ORDER = ['planned', 'prepared', 'applied', 'verified', 'published']

/** 6: one open event an environment, one owner a target, and only the newest attempt acts. */
export function oneAtATime(evidence: Evidence): Violation[] {
  const found: Violation[] = []
  const say = (what: string, proof: unknown, ids: Partial<Violation> = {}) =>
    found.push({ invariant: 6, what, evidence: proof, ...ids })

  const open = new Map<string, string>()
  for (const event of evidence.events) {
    const { environmentId, id, completed } = event
    const other = open.get(environmentId)
    if (!completed && other !== undefined && other !== id)
      say('two events of one environment were open at once', { event, other }, { environmentId })
    if (completed) {
      if (other === id) open.delete(environmentId)
    } else open.set(environmentId, id)
  }

  const before = new Map<string, Evidence['rows'][number]>()
  for (const row of evidence.rows) {
    const last = before.get(row.id)
    before.set(row.id, row)
    if (!last) continue
    const ids = { environmentId: row.environmentId, rotationId: row.id }
    if (row.fence < last.fence) say('an older attempt wrote after a newer one', { last, row }, ids)
    if (last.outcome !== null && (row.outcome !== last.outcome || row.step !== last.step))
      say('a closed row was changed', { last, row }, ids)
    const [from, to] = [ORDER.indexOf(last.step), ORDER.indexOf(row.step)]
    // Back only to make another value in place of a refused one.
    const burnt = to === 0 && row.burntCount > last.burntCount
    if (to < from && !burnt && row.step !== 'closed') say('a rotation went backwards', { last, row }, ids)
  }

  const owners = new Map<string, { environmentId: string; path: string }>()
  for (const { seq, removed, claim, environmentId, path } of evidence.claims) {
    const owner = owners.get(claim)
    const same = owner?.environmentId === environmentId && owner.path === path
    if (owner && !same)
      say('a target changed hands without being given back', {
        claim,
        owner,
        to: { environmentId, path },
        seq,
      })
    if (removed) owners.delete(claim)
    else owners.set(claim, { environmentId, path })
  }

  for (const change of changes(evidence)) {
    if (change.effectiveAt === null) continue
    const sayers = change.saidBy.filter(({ committedAt }) => committedAt <= change.at + SLACK)
    const newest = newestSender(evidence, change.target, change.effectiveAt)
    if (newest !== undefined && sayers.length > 0 && !sayers.some(({ rotationId }) => rotationId === newest))
      say('a change of an older rotation took effect after a newer one had begun', { change, newest })
    const deadline = Math.max(...sayers.map(({ sentUntil }) => sentUntil ?? 0))
    if (change.what !== 'remove' && sayers.length > 0 && change.effectiveAt > deadline + 250)
      say('a change took effect after its deadline', { change, deadline })
  }
  return found
}

/** 7: one request changes a path at most once. */
export function servedOnce(evidence: Evidence): Violation[] {
  const found: Violation[] = []
  const say = (what: string, proof: unknown, ids: Partial<Violation> = {}) =>
    found.push({ invariant: 7, what, evidence: proof, ...ids })
  const requests = [...new Map(evidence.requests.map((request) => [request.id, request])).values()]
  const keys = new Map<string, string>()
  for (const request of requests) {
    const { environmentId, status, key } = request
    if (status === 'waiting') say('a request was never served', request, { environmentId })
    if (key === null) continue
    const name = `${environmentId} ${key}`
    if (keys.has(name)) say('one request id has two requests', request, { environmentId })
    keys.set(name, request.eventId)
  }
  for (const asked of evidence.asked)
    if (new Set(asked.eventIds).size > 1)
      say('one request id was answered with two events', asked, { environmentId: asked.environmentId })
  const occasions = new Map<string, string>()
  for (const { id, environmentId, occasion } of evidence.events) {
    if (occasion === null) continue
    const other = occasions.get(occasion)
    if (other !== undefined && other !== id)
      say('one due time, or one later try, has begun two events', { occasion, id, other }, { environmentId })
    occasions.set(occasion, id)
  }

  const paths = new Set<string>()
  for (const row of finalRows(evidence)) {
    const ids = { environmentId: row.environmentId, rotationId: row.id }
    const name = `${row.eventId} ${row.path}`
    if (paths.has(name)) say('one event rotated one path twice', row, ids)
    paths.add(name)
    const sent = evidence.rows.filter(
      (one) => one.id === row.id && one.sentUntil !== null && one.prepared !== null,
    )
    const values = new Set(sent.map(({ prepared }) => prepared))
    const made = evidence.handedOver[row.target ?? ''] === null
    if (!made && values.size > 1 + row.burntCount)
      say('one rotation was to set more than one value', row, ids)
  }

  const removed = new Set(
    changes(evidence).flatMap(({ what, identity, target }) =>
      what === 'remove' ? [`${target} ${identity}`] : [],
    ),
  )
  const kept = new Map<string, string[]>()
  for (const change of changes(evidence)) {
    if (change.what !== 'make' || change.effectiveAt === null) continue
    const maker = newestSender(evidence, change.target, change.at)
    if (maker === undefined || removed.has(`${change.target} ${change.identity}`)) continue
    kept.set(maker, [...(kept.get(maker) ?? []), change.identity ?? ''])
  }
  for (const [rotationId, made] of kept)
    if (made.length > 1) say('one rotation left more than one new credential', made, { rotationId })
  return found
}

/** 8: an event writes at most one revision, when every outcome is known; texts never change. */
export function publishedOnce(evidence: Evidence): Violation[] {
  const found: Violation[] = []
  const say = (what: string, proof: unknown, ids: Partial<Violation> = {}) =>
    found.push({ invariant: 8, what, evidence: proof, ...ids })
  const byEvent = new Map<string, number>()
  const numbers = new Map<string, number>()
  for (const revision of evidence.revisions.toSorted((a, b) => a.number - b.number)) {
    const { environmentId, number, eventId } = revision
    if (revision.stored !== revision.written)
      say('the text of a revision has changed', { ...revision, states: undefined }, { environmentId })
    if (number !== (numbers.get(environmentId) ?? 0) + 1)
      say('revisions are not numbered without a gap', { environmentId, number }, { environmentId })
    numbers.set(environmentId, number)
    if (eventId === null) continue
    if (byEvent.has(eventId)) say('an event wrote two revisions', { eventId, number }, { environmentId })
    byEvent.set(eventId, number)
  }
  const rows = finalRows(evidence)
  for (const event of new Map(evidence.events.map((one) => [one.id, one])).values()) {
    const { environmentId } = event
    if (!event.completed) say('an event never ended', event, { environmentId })
    if (event.postRevision !== (byEvent.get(event.id) ?? null))
      say('an event names another revision than the one that it wrote', event, { environmentId })
    const own = rows.filter(({ eventId }) => eventId === event.id)
    for (const row of own) {
      const ids = { environmentId, rotationId: row.id }
      if (event.completed && row.outcome === null) say('an event ended before a rotation of it', row, ids)
      if (event.action === 'rotate' && (row.outcome === 'succeeded') !== (row.step === 'published'))
        say('succeeded and published are not the same', row, ids)
      if (row.outcome === 'unknown' && row.prepared === null && row.identity === null)
        say('a rotation is unknown and its row does not say what was sent', row, ids)
    }
    if (event.postRevision === null && own.some(({ step }) => step === 'published'))
      say('a rotation was published without a revision', event, { environmentId })
  }
  return found
}
