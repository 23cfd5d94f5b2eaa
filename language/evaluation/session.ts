/** What all environments of one evaluation share: the host, the imports, the diagnostics and the budget. */
import { type Diagnostic, type Range } from '../diagnostic.ts'
import type { CallExpression } from '../expressions/expression.ts'
import type { Host } from '../host.ts'
import { limits } from '../limits.ts'
import { pathText, type SyntaxPath } from '../syntax/path.ts'
import type { Value } from '../value.ts'
import type { EvaluatedValue } from './evaluated-value.ts'

export type Mode = 'check' | 'open' | 'rotate'

export interface Patch {
  /** Path from the document's root, e.g. `values.db.creds["fn::rotate::pg"].state`. */
  docPath: string
  /** The whole new state. */
  replacement: Value
}

export interface Rotation {
  /** Path of the call from the document's root, e.g. `values.db.creds`. */
  path: string
  status: 'succeeded' | 'failed' | 'not-evaluated'
  diagnostics: Diagnostic[]
  /** Present when it succeeded, even if opening the new credential failed afterwards: it must be kept. */
  patch?: Patch
}

export interface ImportedEnvironment {
  evaluating: boolean
  value?: EvaluatedValue
}

/** Something that a diagnostic can point at. */
export interface Place {
  readonly range?: Range | undefined
  readonly path?: SyntaxPath | undefined
}

/** Ends an evaluation as a whole: out of budget, or aborted by the host. */
export class EvaluationStopped extends Error {}

export class Session {
  readonly host: Host
  readonly mode: Mode
  readonly showSecrets: boolean
  readonly diagnostics: Diagnostic[] = []
  readonly rotations: Rotation[] = []
  readonly imports = new Map<string, ImportedEnvironment>()
  /** The calls to rotate; undefined means all of the root environment. */
  readonly selected: ReadonlySet<CallExpression> | undefined
  /** The call whose inputs are being evaluated by themselves: reaching it again is a cycle. */
  readonly target: CallExpression | undefined
  /** True once a provider or rotator has answered that it does not know now. */
  unanswered = false
  #steps = 0
  #producedText = 0
  #loads = 0

  constructor(
    host: Host,
    mode: Mode,
    options: { showSecrets?: boolean; selected?: ReadonlySet<CallExpression>; target?: CallExpression } = {},
  ) {
    this.host = host
    this.mode = mode
    this.showSecrets = options.showSecrets ?? mode !== 'check'
    this.selected = options.selected
    this.target = options.target
  }

  add(diagnostics: Iterable<Diagnostic>): void {
    for (const diagnostic of diagnostics) this.diagnostics.push(diagnostic)
  }

  error(place: Place, summary: string): void {
    this.#report('error', place, summary)
  }

  warn(place: Place, summary: string): void {
    this.#report('warning', place, summary)
  }

  /**
   * Counts one step. The caller must await the promise where there is one: it cuts the synchronous recursion, so
   * that a chain of any length does not exhaust the stack.
   */
  step(): Promise<void> | undefined {
    this.#steps += 1
    if (this.#steps > limits.steps)
      throw new EvaluationStopped(`evaluation is limited to ${limits.steps} steps`)
    if (this.#steps % 32 !== 0) return undefined
    if (this.host.signal?.aborted) throw new EvaluationStopped('evaluation was aborted')
    return Promise.resolve()
  }

  /** Counts one environment that is about to be loaded; false when there were too many already. */
  mayLoad(): boolean {
    this.#loads += 1
    return this.#loads <= limits.environments
  }

  /** Counts text that is about to be produced. */
  produce(length: number): void {
    this.#producedText += length
    if (this.#producedText > limits.producedText) {
      throw new EvaluationStopped(
        `evaluation is limited to ${limits.producedText} characters of produced text`,
      )
    }
  }

  #report(severity: Diagnostic['severity'], { range, path }: Place, summary: string): void {
    this.diagnostics.push({ severity, summary, path: path ? pathText(path) : '', ...(range && { range }) })
  }
}
