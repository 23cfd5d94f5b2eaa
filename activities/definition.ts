/** One rotate call of a definition, evaluated: its rotator, its inputs, and the state that is published. */
import { createHost, type EvaluationHost, type LoginCache } from '../environments/host.ts'
import { secretTexts, targetsOf } from '../environments/secret-inputs.ts'
import { slotsOf } from '../environments/state.ts'
import { evaluateCall, load, toPlain, type Diagnostic, type Document } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import type { AnyRotator, RotatorState } from '../rotators/rotator.ts'
import type { Environment } from '../store/environments.ts'
import type { ActivityServices } from './services.ts'

/** Plain data, as the rotator's own schemas describe it. */
export interface EvaluatedCall {
  rotator: AnyRotator
  inputs: unknown
  targets: string[]
  /** Texts among the inputs that must not show in words. */
  secrets: string[]
  published: RotatorState<unknown>
  /** Has the logins that these inputs were made with made anew by the next evaluation; false where none of them expires. */
  dropLogins(): boolean
}

export interface EvaluateOptions {
  environment: Environment
  /** With whose rights. */
  login: string
  document: Document
  path: string
  rotator: string
  /** `unknown` while planning: nothing outside is asked then. */
  logins: 'open' | 'unknown'
  loginCache?: LoginCache
}

const DOCUMENTS = 200
const documents = new Map<string, Document>()

/**
 * Parses a revision, once per process: its text never changes.
 * @throws RotationFailure NOT_EVALUATED when it does not parse.
 */
export function documentOf(environment: Environment, revision: { number: number; text: string }): Document {
  const key = `${environment.id}@${revision.number}`
  const known = documents.get(key)
  if (known) return known
  const parsed = parseDefinition(environment, revision.text)
  const oldest = documents.keys().next()
  if (documents.size >= DOCUMENTS && !oldest.done) documents.delete(oldest.value)
  documents.set(key, parsed)
  return parsed
}

/** What `documentOf` has parsed of this revision before, in this process: the plan, most of the time. */
export function knownDocument(environmentId: string, number: number): Document | undefined {
  return documents.get(`${environmentId}@${number}`)
}

/** @throws RotationFailure NOT_EVALUATED when the text does not parse. */
export function parseDefinition(environment: Environment, text: string): Document {
  const { document, diagnostics } = load(`${environment.project}/${environment.name}`, text)
  if (document) return document
  throw new RotationFailure('NOT_EVALUATED', describe(diagnostics) ?? 'the definition does not parse')
}

/** @throws RotationFailure INPUT_INVALID, STATE_INVALID, NOT_EVALUATED, PERMISSION_DENIED; what a login failed with */
export async function evaluateRotateCall(
  services: ActivityServices,
  options: EvaluateOptions,
): Promise<EvaluatedCall> {
  const rotator = services.environments.findRotator(options.rotator)
  if (!rotator) {
    throw new RotationFailure('INPUT_INVALID', `there is no rotator named "${options.rotator}"`)
  }
  const host = createHost(services.environments, {
    environment: options.environment,
    login: options.login,
    logins: options.logins,
    ...(options.loginCache && { loginCache: options.loginCache }),
  })
  const { inputs, state, diagnostics } = await evaluateCall(options.document, options.path, host)
  host.throwIfStoreFailed()
  const problem = describe(diagnostics)
  if (problem !== undefined) {
    if (host.denied.length > 0) throw new RotationFailure('PERMISSION_DENIED', problem)
    throw loginFailure(host, diagnostics) ?? new RotationFailure('NOT_EVALUATED', problem)
  }
  return {
    rotator,
    inputs: toPlain(inputs),
    targets: targetsOf(rotator, inputs),
    secrets: secretTexts(inputs),
    published: slotsOf(state === null ? null : toPlain(state)),
    dropLogins: () => {
      const expiring = host.logins.filter(({ renewAt }) => renewAt !== undefined)
      for (const login of expiring) options.loginCache?.drop(login)
      return expiring.length > 0
    },
  }
}

/** A login that failed keeps its code: whether to try again is decided by that. Its place is told as of any error. */
function loginFailure(host: EvaluationHost, diagnostics: Diagnostic[]): RotationFailure | undefined {
  const [failure] = host.loginFailures
  const told = diagnostics.filter(({ summary }) => summary === failure?.message)
  return failure?.withWords(describe(told) ?? failure.message)
}

/** The first error in words, with its place; undefined when there is none. */
export function describe(diagnostics: Diagnostic[]): string | undefined {
  const error = diagnostics.find((diagnostic) => diagnostic.severity === 'error')
  if (!error) return undefined
  const { range } = error
  return range
    ? `${error.summary} (${range.environment ?? 'definition'}:${range.begin.line}:${range.begin.column})`
    : error.summary
}
