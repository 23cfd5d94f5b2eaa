/** Makes of a text what a revision holds: checked with the saver's rights, its states in place, sealed. Writes nothing. */
import {
  applyPatches,
  check,
  load,
  removeValue,
  sealSecrets,
  type Diagnostic,
  type Document,
} from '../language/index.ts'
import { formatEnvironmentName } from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import { dataKeyOf, type Environment } from '../store/environments.ts'
import type { Revision } from '../store/revisions.ts'
import { canonicalJson } from './canonical-json.ts'
import { examineCalls, type ExaminedCall } from './examine-calls.ts'
import { createHost, type EvaluationHost } from './host.ts'
import { keepStates } from './keep-state.ts'
import type { Services } from './services.ts'
import { readState, type StoredState } from './state.ts'

export interface PreparedRevision {
  text: string
  /** Warnings. */
  diagnostics: Diagnostic[]
  calls: ExaminedCall[]
  /** The state of each call that has one, by path. */
  states: Map<string, StoredState>
  /** Paths of calls of the newest revision that are gone, or ask for something else, or have another state. */
  changed: string[]
}

/** @throws Refusal invalid, with diagnostics */
export async function prepareRevision(
  services: Services,
  {
    environment,
    newest,
    text,
    login,
  }: { environment: Environment; newest: Revision; text: string; login: string },
): Promise<PreparedRevision> {
  const name = formatEnvironmentName(environment)
  const host = createHost(services, { environment, login, logins: 'unknown' })
  const given = load(name, text)
  const evaluation = await check(given.document, host, { showSecrets: true })
  host.throwIfStoreFailed()
  const diagnostics = [...given.diagnostics, ...evaluation.diagnostics]
  refuseErrors(diagnostics)

  const dataKey = await dataKeyOf(services.db, services.keeper, environment.id)
  const seal = (clear: string) =>
    sealSecrets(clear, async (plaintext) => dataKey.seal('definition', '', plaintext))
  const sealed = await seal(text)
  const calls = await examineGiven(services, given.document, load(name, sealed).document, host)
  const before = await examineCalls(services, load(name, newest.text).document, host)
  const kept = await keepStates(services, {
    environmentId: environment.id,
    name,
    calls,
    newest: before.calls,
    host,
  })
  refuseErrors(kept.diagnostics)
  let result = applyPatches(sealed, kept.patches)
  for (const call of kept.withoutState) result = removeValue(result, call.call.docPath)
  if (kept.patches.length > 0) result = await seal(result)
  await demandReadBack(load(name, result), kept.states, host)
  return {
    text: result,
    diagnostics,
    calls,
    states: kept.states,
    changed: before.calls.filter((call) => !isUnchanged(call, calls, kept.states)).map((call) => call.path),
  }
}

/**
 * Sealing a secret can change how it reads (`$$`), so what is compared with stored states is the sealed text; what a
 * person is told is about the text as given.
 */
async function examineGiven(
  services: Services,
  given: Document | null,
  sealed: Document | null,
  host: EvaluationHost,
): Promise<ExaminedCall[]> {
  const asGiven = await examineCalls(services, given, host)
  refuseErrors(asGiven.diagnostics)
  const { calls } = await examineCalls(services, sealed, host)
  const ranges = new Map(asGiven.calls.map(({ path, call }) => [path, call.range]))
  return calls.map((examined) => ({
    ...examined,
    call: { ...examined.call, range: ranges.get(examined.path) ?? examined.call.range },
  }))
}

function isUnchanged(before: ExaminedCall, calls: ExaminedCall[], states: Map<string, StoredState>): boolean {
  const now = calls.find((call) => call.path === before.path)
  const same = (state: StoredState | undefined) => canonicalJson(state ?? null)
  return (
    now?.fingerprint === before.fingerprint && same(states.get(before.path)) === same(before.state?.plain)
  )
}

/** The last look before it is stored for ever: the text parses, and each state reads as it was meant. */
async function demandReadBack(
  { document, diagnostics }: { document: Document | null; diagnostics: Diagnostic[] },
  states: Map<string, StoredState>,
  host: EvaluationHost,
): Promise<void> {
  const error = diagnostics.find(({ severity }) => severity === 'error')
  // Sealed secrets are longer than plain ones, so the text may have outgrown what the language takes.
  if (error)
    throw new Refusal('too-large', `the definition cannot be stored once it is sealed: ${error.summary}`)
  for (const [path, state] of states) {
    const stored = await readState(document, path, host)
    if (canonicalJson(stored) !== canonicalJson(state))
      throw new Error('a state does not read back as it was written: nothing was saved')
  }
}

function refuseErrors(diagnostics: Diagnostic[]): void {
  const error = diagnostics.find(({ severity }) => severity === 'error')
  if (error) throw new Refusal('invalid', `the definition is not valid: ${error.summary}`, diagnostics)
}
