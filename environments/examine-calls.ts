/** Every rotate call of a definition, evaluated as far as can be without asking anything outside. */
import {
  calls,
  evaluateCall,
  toPlain,
  type Diagnostic,
  type Document,
  type RotateCall,
  type Value,
} from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import { isRefusal } from '../model/refusal.ts'
import type { AnyRotator } from '../rotators/rotator.ts'
import { canonicalJson } from './canonical-json.ts'
import type { EvaluationHost } from './host.ts'
import { targetsOf } from './secret-inputs.ts'
import type { Services } from './services.ts'
import { hasUnknown, storedState, type StoredState } from './state.ts'

export interface ExaminedCall {
  path: string
  call: RotateCall
  rotator: AnyRotator
  /** Empty where the inputs that name them are not known before a rotation. */
  targets: string[]
  /** Two calls with equal fingerprints ask for the same: same rotator, same inputs as far as they are known. */
  fingerprint: string
  /** Null where there is none, or none that can be read: then a diagnostic says so. */
  state: { plain: StoredState; value: Value } | null
}

/** What cannot be examined has an error among the diagnostics. @throws when the store cannot be read. */
export async function examineCalls(
  services: Services,
  document: Document | null,
  host: EvaluationHost,
): Promise<{ calls: ExaminedCall[]; diagnostics: Diagnostic[] }> {
  const examined: ExaminedCall[] = []
  const diagnostics: Diagnostic[] = []
  for (const call of calls(document)) {
    diagnostics.push(...call.problems)
    const rotator = services.findRotator(call.rotator)
    const report = (summary: string) =>
      diagnostics.push({ severity: 'error', summary, path: `values.${call.path}`, range: call.range })
    if (!rotator) {
      report(`there is no rotator named "${call.rotator}"`)
      continue
    }
    const evaluated = await evaluateCall(document, call.path, host)
    diagnostics.push(...evaluated.diagnostics)
    const inputs = toPlain(evaluated.inputs)
    examined.push({
      path: call.path,
      call,
      rotator,
      targets: knownTargets(rotator, evaluated.inputs, report),
      fingerprint: canonicalJson([call.rotator, inputs, call.dependsOn]),
      state: stateOf(evaluated.state, call.path, report),
    })
  }
  host.throwIfStoreFailed()
  return { calls: examined, diagnostics }
}

function knownTargets(rotator: AnyRotator, inputs: Value, report: (summary: string) => void): string[] {
  try {
    return targetsOf(rotator, inputs)
  } catch (error) {
    // What is wrong may only be that a part is not known yet; the plan asks again when it is. Inputs that are only for
    // rotating never name a target, so rotators do without them.
    if (!hasUnknown(inputs, rotator.inputs))
      report(
        error instanceof RotationFailure ? error.message : `the inputs of "${rotator.name}" cannot be used`,
      )
    return []
  }
}

function stateOf(
  value: Value | null,
  path: string,
  report: (summary: string) => void,
): ExaminedCall['state'] {
  try {
    const plain = storedState(value, path)
    return plain && value && { plain, value }
  } catch (error) {
    if (!isRefusal(error)) throw error
    report(error.message)
    return null
  }
}
