/**
 * Shows a run to operators while it goes on: current details and search attributes. Decides nothing about the rotation,
 * and sets an attribute only in the step in which the worker said that Temporal knows it: an unknown one stops the run.
 */
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow'
import type { SearchAttributePair } from '@temporalio/common'
import type { CommitResult, PathResult, Plan } from '../activities/index.ts'
import { asCode } from './operator-texts.ts'
import { progressText, titleOf } from './progress-text.ts'
import * as attributes from './search-attributes.ts'
import type { RunOutcome } from './search-attributes.ts'

export interface Progress {
  /** Events that the plan closed before they began, if there are any. */
  refused(plan: Plan): void
  planned(plan: Plan & { kind: 'event' }): void
  ended(rotationId: string, result: PathResult): void
  committed(result: CommitResult & { kind: 'committed' }): void
}

export function trackProgress(): Progress {
  const seen = { outcomes: new Set<string>(), codes: new Set<string>(), rotators: new Set<string>() }
  let title = ''
  let total = 0
  const results = new Map<string, PathResult>()

  const show = (more = '') => setCurrentDetails(progressText(title, total, [...results.values()], more))
  const close = (ended: Pick<PathResult, 'outcome' | 'code'>[]) => {
    for (const { outcome, code } of ended) {
      seen.outcomes.add(outcome)
      if (code !== null && outcome !== 'skipped') seen.codes.add(code)
    }
    const pairs: SearchAttributePair[] = []
    const outcome = runOutcome(seen.outcomes)
    if (outcome) pairs.push({ key: attributes.OUTCOME, value: outcome })
    if (seen.codes.size > 0) pairs.push({ key: attributes.FAILURE_CODES, value: [...seen.codes].sort() })
    return pairs
  }

  return {
    refused: ({ refused = [], searchAttributes }) => {
      const last = refused.at(-1)
      if (!last) return
      const pairs = close(refused.map(({ code }) => ({ outcome: 'failed', code })))
      upsert(searchAttributes, [...about(last), ...pairs])
      setCurrentDetails(`${titleOf(last)}\n\nrefused before it began: ${asCode(last.code)}`)
    },
    planned: (plan) => {
      title = titleOf(plan)
      total = plan.rotations.length
      results.clear()
      for (const { id, path, outcome, code, rotator } of plan.rotations) {
        seen.rotators.add(rotator)
        if (outcome !== null) results.set(id, { path, outcome, code: code as PathResult['code'] })
      }
      const rotators = [...seen.rotators].sort()
      upsert(plan.searchAttributes, [
        ...about(plan),
        ...(rotators.length > 0 ? [{ key: attributes.ROTATORS, value: rotators }] : []),
      ])
      show()
    },
    ended: (rotationId, result) => {
      results.set(rotationId, result)
      show()
    },
    committed: ({ summary: { revision, rotations }, searchAttributes }) => {
      results.clear()
      for (const result of rotations) results.set(result.path, result)
      const pairs = close(rotations)
      if (revision !== null) pairs.push({ key: attributes.REVISION, value: revision })
      upsert(searchAttributes, pairs)
      show(revision === null ? ', nothing to publish' : `, published as revision ${revision}`)
    },
  }
}

function about({ environment, trigger }: { environment: string; trigger: string }): SearchAttributePair[] {
  return [
    { key: attributes.ENVIRONMENT, value: environment },
    { key: attributes.TRIGGER, value: trigger },
  ]
}

/** What a schedule's action has set already costs no event. */
function upsert(usable: readonly string[] | undefined, pairs: SearchAttributePair[]): void {
  const known = workflowInfo().typedSearchAttributes
  const changed = pairs.filter(
    ({ key, value }) =>
      usable?.includes(key.name) && JSON.stringify(known.get(key)) !== JSON.stringify(value),
  )
  if (changed.length > 0) upsertSearchAttributes(changed)
}

function runOutcome(outcomes: ReadonlySet<string>): RunOutcome | undefined {
  if (outcomes.has('unknown')) return 'unknown'
  if (outcomes.has('failed')) return outcomes.has('succeeded') ? 'partly-failed' : 'failed'
  if (outcomes.has('succeeded')) return 'succeeded'
  return outcomes.has('skipped') ? 'skipped' : undefined
}
