/** What all environments of one evaluation share: the host, the imports, the diagnostics and the budget. */
import { type Diagnostic, type Range } from '../diagnostic.ts'
import type { CallExpression } from '../expressions/expression.ts'
import type { Host } from '../host.ts'
import { limits, MORE_DIAGNOSTICS } from '../limits.ts'
import { pathText, type SyntaxPath } from '../syntax/path.ts'
import type { Value } from '../value.ts'
import type { Answers } from './answers.ts'
import type { EvaluatedValue } from './evaluated-value.ts'
import type { Speculation } from './speculation.ts'

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

interface Options {
  showSecrets?: boolean
  selected?: ReadonlySet<CallExpression> | undefined
  target?: CallExpression | undefined
  answers: Answers
  speculation?: Speculation
}

/** Steps after which everybody else in this process gets a turn. */
const TURN = 4096
/** How much work may go into guessing what was meant by names that do not exist. */
const SUGGESTIONS = 10_000_000

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
  readonly answers: Answers
  /** Present where this only looks ahead: nothing may be asked but through it. */
  readonly speculation: Speculation | undefined
  suggestions = SUGGESTIONS
  readonly #budget: number
  readonly #failedLoads = new Map<string, number>()
  #steps = 0
  #visits = 0
  #turnAt = TURN
  #producedText = 0
  #loads = 0

  constructor(host: Host, mode: Mode, options: Options) {
    this.host = host
    this.mode = mode
    this.showSecrets = options.showSecrets ?? mode !== 'check'
    this.selected = options.selected
    this.target = options.target
    this.answers = options.answers
    this.speculation = options.speculation
    this.#budget = options.speculation ? limits.steps / 4 : limits.steps
  }

  /** The same evaluation once more, to look ahead. */
  speculative(speculation: Speculation): Session {
    const { host, mode, showSecrets, selected, target, answers } = this
    return new Session(host, mode, { showSecrets, selected, target, answers, speculation })
  }

  add(diagnostics: Iterable<Diagnostic>): void {
    for (const diagnostic of diagnostics) this.#add(diagnostic)
  }

  /** True once there are so many diagnostics that further ones are left out. */
  get isFull(): boolean {
    return this.diagnostics.length > limits.diagnostics
  }

  #add(diagnostic: Diagnostic): void {
    const { length } = this.diagnostics
    if (length < limits.diagnostics) this.diagnostics.push(diagnostic)
    else if (length === limits.diagnostics) {
      this.diagnostics.push({ severity: 'error', summary: MORE_DIAGNOSTICS, path: '' })
    }
  }

  error(place: Place, summary: string): void {
    this.#report('error', place, summary)
  }

  warn(place: Place, summary: string): void {
    this.#report('warning', place, summary)
  }

  /** True when the next step is one to wait at. */
  get isDue(): boolean {
    return (this.#visits + 1) % 32 === 0
  }

  /**
   * Counts one step. The caller must await the promise where there is one: it cuts the synchronous recursion, so
   * that a chain of any length does not exhaust the stack, and lets others have their turn now and then.
   */
  step(): Promise<void> | undefined {
    this.spend(1)
    this.#visits += 1
    if (this.#visits % 32 !== 0) return undefined
    if (this.host.signal?.aborted) throw new EvaluationStopped('evaluation was aborted')
    if (this.#steps < this.#turnAt) return Promise.resolve()
    this.#turnAt = this.#steps + TURN
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Counts work that takes as long as this many steps. */
  spend(steps: number): void {
    this.#steps += steps
    if (this.#steps > this.#budget)
      throw new EvaluationStopped(`evaluation is limited to ${limits.steps} steps`)
  }

  /** How often loading this environment has failed. */
  failedLoads(name: string): number {
    return this.#failedLoads.get(name) ?? 0
  }

  loadFailed(name: string): void {
    this.#failedLoads.set(name, this.failedLoads(name) + 1)
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
    if (!this.isFull)
      this.#add({ severity, summary, path: path ? pathText(path) : '', ...(range && { range }) })
  }
}
