/** Invariants 9 and 10: what may be read where; judged by everything that was written. */
import { FAILURES, isFailureCode } from '../../../model/failures.ts'
import type { Evidence, Violation } from '../evidence.ts'
import { finalRows } from './timeline.ts'

/** What must have been searched, or a leak would not have been seen. */
const PLACES = ['store', 'Temporal', 'logs']

/** 9: nothing secret is in clear. */
export function nothingInClear(evidence: Evidence): Violation[] {
  const found: Violation[] = evidence.leaks.map((leak) => ({
    invariant: 9,
    what: `a secret is in clear in ${leak.place}`,
    evidence: leak,
  }))
  for (const place of PLACES)
    if (!(evidence.searched[place]! > 0))
      found.push({ invariant: 9, what: `${place} was not searched for secrets`, evidence: evidence.searched })
  return found
}

/** What only drivers, runtimes and networks say. */
const RAW =
  /password authentication failed|Connection terminated|socket hang up|\b(read|write|connect) E[A-Z]+\b|getaddrinfo|SCRAM-SHA-256\$|<\/?\w+>|\bat \S+:\d+:\d+|node:internal|tuple concurrently|Error: /
/** Failures that are Temporal's own words for what befell a worker. */
const TEMPORAL = ['timeout', 'activity', 'canceled', 'terminated', 'server', 'reset']

/** 10: what failed says so in a closed code and in words. */
export function saidInWords(evidence: Evidence): Violation[] {
  const found: Violation[] = []
  const say = (what: string, proof: unknown, ids: Partial<Violation> = {}) =>
    found.push({ invariant: 10, what, evidence: proof, ...ids })
  for (const row of finalRows(evidence)) {
    if (row.outcome === null || row.outcome === 'succeeded') continue
    const ids = { environmentId: row.environmentId, rotationId: row.id }
    if (!isFailureCode(row.code)) say('a failure has no code of the closed list', row, ids)
    const words = row.message ?? (isFailureCode(row.code) ? FAILURES[row.code].words : '')
    if (words.length < 10) say('a failure has no words', row, ids)
    if (RAW.test(words)) say("a failure shows a driver's own text", row, ids)
    if (row.code === 'INTERNAL') say('a rotation met a defect', row, ids)
  }
  for (const { workflowId, runId, status, failures } of evidence.workflows) {
    const ids = { environmentId: workflowId.slice('rotate/'.length, 'rotate/'.length + 36) }
    if (status === 'FAILED' || status === 'TIMED_OUT')
      say('a workflow failed, which only a defect makes it do', { workflowId, runId, status }, ids)
    for (const failure of failures) {
      if (TEMPORAL.includes(failure.kind)) continue
      const known = isFailureCode(failure.type) || failure.type === 'STALE'
      if (failure.kind !== 'application' || !known || failure.message !== failure.type || failure.stack)
        say("Temporal's history holds a failure that is no bare code", { workflowId, runId, failure }, ids)
    }
  }
  return found
}
