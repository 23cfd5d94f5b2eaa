/**
 * Decides which state each rotate call has after a save. Rollbacks, stale editors and infrastructure code send old
 * states; a credential that was replaced must not come back as `current`, and only one never seen is the person's own.
 */
import { load, type Diagnostic, type Patch, type Value } from '../language/index.ts'
import { isClaimedElsewhere } from '../store/claims.ts'
import { forgottenSince, newestHolding, pathHolder, wasHeld } from '../store/held.ts'
import { getRevision } from '../store/revisions.ts'
import { canonicalJson } from './canonical-json.ts'
import { examineCalls, type ExaminedCall } from './examine-calls.ts'
import type { EvaluationHost } from './host.ts'
import { markSecrets } from './mark-secrets.ts'
import type { Services } from './services.ts'
import { credentialHmac, type StoredState } from './state.ts'

export interface KeepStateInput {
  environmentId: string
  /** The environment's name, as the language is told it. */
  name: string
  /** The calls of the text to be saved, and of the newest revision. */
  calls: ExaminedCall[]
  newest: ExaminedCall[]
  /** Evaluates older revisions with the rights of whoever saves. */
  host: EvaluationHost
}

type State = { plain: StoredState; value: Value }

export interface KeptStates {
  /** States to be written over, or into, the text. */
  patches: Patch[]
  /** Calls whose state belongs to other targets and is to be taken out. */
  withoutState: ExaminedCall[]
  /** The state that each call is to have then, by path. */
  states: Map<string, StoredState>
  diagnostics: Diagnostic[]
}

export async function keepStates(services: Services, input: KeepStateInput): Promise<KeptStates> {
  const kept: KeptStates = { patches: [], withoutState: [], states: new Map(), diagnostics: [] }
  for (const call of input.calls) {
    const decision = await decide(services, input, call)
    if (decision === 'replaced') {
      kept.diagnostics.push({
        severity: 'error',
        summary: `the state of ${call.path} holds a credential that was replaced since: leave the state out, or give the newest one`,
        path: `values.${call.path}`,
        range: call.call.range,
      })
    } else if (decision === null) {
      if (call.state) kept.withoutState.push(call)
    } else {
      kept.states.set(call.path, decision.plain)
      // Also what the person keeps: the schema says which leaves are secret, `fn::secret` may have been forgotten.
      const sealed = markSecrets(decision.value, call.rotator.state)
      if (decision !== call.state || sealed !== decision.value)
        kept.patches.push({ docPath: call.call.docPath, replacement: sealed })
    }
  }
  return kept
}

/** The state that the call is to have: the given one itself, the newest, or none; `replaced` when it is to be refused. */
async function decide(
  services: Services,
  input: KeepStateInput,
  call: ExaminedCall,
): Promise<State | 'replaced' | null> {
  const { db, keeper } = services
  const given = call.state
  const newest = await newestState(services, input, call)
  if (!given) return newest
  const holders = [...call.targets, pathHolder(input.environmentId, call.path)]
  const isKnown = (credential: unknown) => wasHeld(db, holders, credentialHmac(keeper, credential))
  const { current, previous } = given.plain
  if (!(await isKnown(current))) return given
  if (newest) {
    const sameCurrent = canonicalJson(current) === canonicalJson(newest.plain.current)
    if (sameCurrent && previous != null && !(await isKnown(previous))) return given
    return canonicalJson(given.plain) === canonicalJson(newest.plain) ? given : newest
  }
  if (call.targets.length === 0) return given
  // Known, but this environment has no newest state for these targets: it came from elsewhere, or belongs to others.
  const hmac = credentialHmac(keeper, current)
  if (!(await wasHeld(db, call.targets, hmac))) return null
  const holding = await newestHolding(db, call.targets)
  return holding?.hmacs.some((held) => held.equals(hmac)) ? given : 'replaced'
}

async function newestState(
  services: Services,
  input: KeepStateInput,
  call: ExaminedCall,
): Promise<State | null> {
  const before = input.newest.find((other) => other.path === call.path && other.rotator === call.rotator)
  if (before && (await sameTargets(services, before, call))) return before.state
  return stateFromHistory(services, input, call)
}

/** False when the call now names entirely other targets than those that its state is for. */
async function sameTargets(services: Services, before: ExaminedCall, call: ExaminedCall): Promise<boolean> {
  if (before.targets.length === 0 || call.targets.length === 0) return true
  if (before.targets.some((target) => call.targets.includes(target))) return true
  if (!before.state) return false
  return wasHeld(services.db, call.targets, credentialHmac(services.keeper, before.state.plain.current))
}

/** The state of a call that was removed, moved or pointed elsewhere, and comes back now. */
async function stateFromHistory(
  services: Services,
  { environmentId, name, calls, host }: KeepStateInput,
  call: ExaminedCall,
): Promise<State | null> {
  const holders = call.targets.length > 0 ? call.targets : [pathHolder(environmentId, call.path)]
  const holding = await newestHolding(services.db, holders)
  // Another environment has had the targets since, or rotates them now: what was known here is out of date.
  if (!holding || holding.environmentId !== environmentId) return null
  if (await isClaimedElsewhere(services.db, environmentId, call.targets)) return null
  // Another call of this text has the state.
  if (holding.path !== call.path && calls.some((other) => other.path === holding.path)) return null
  if (await forgottenSince(services.db, holding)) return null
  const revision = await getRevision(services.db, environmentId, holding.revision)
  if (!revision) return null
  const { document } = load(name, revision.text)
  const { calls: older } = await examineCalls(services, document, host)
  return older.find((other) => other.path === holding.path && other.rotator === call.rotator)?.state ?? null
}
