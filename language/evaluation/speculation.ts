/**
 * Finds out which calls and environments an evaluation is going to need, and asks for those that do not depend on one
 * another at the same time. It evaluates everything as the evaluation itself will, but where that would wait for an
 * answer, it notes the question and goes on with an unknown value. What could depend on such a value it leaves alone,
 * so that nothing is asked that would not be asked anyway.
 */
import type { CallExpression } from '../expressions/expression.ts'
import { limits } from '../limits.ts'
import type { ParsedDocument } from '../parsed-document.ts'
import { EvaluationStopped, type Mode, type Session } from './session.ts'

/** As deep as logins that need logins are followed; those beyond are made one after another. */
const ROUNDS = 8

export class Speculation {
  readonly #questions = new Map<CallExpression | string, () => Promise<unknown>>()
  /** Environments that were not looked at in this round, whoever names them. */
  readonly deferred = new Set<string>()

  wantCall(call: CallExpression, ask: () => Promise<unknown>): void {
    this.#questions.set(call, ask)
  }

  wantEnvironment(name: string, load: () => Promise<unknown>): void {
    this.#questions.set(name, load)
    this.deferred.add(name)
  }

  get questions(): readonly (() => Promise<unknown>)[] {
    return [...this.#questions.values()]
  }
}

/** False where there is nothing that could be asked at the same time as something else. */
export function mayWait(document: ParsedDocument, mode: Mode): boolean {
  return document.declaration.imports.length > 0 || questionsOf(document, mode) > 1
}

/** As `mayWait`, of an evaluation of the whole document: once what it imports is there, that says more. */
export async function mayWaitForAll(document: ParsedDocument, { mode, answers }: Session): Promise<boolean> {
  if (!mayWait(document, mode)) return false
  const all = [document, ...(await answers.anticipate(document, document.name))]
  return all.reduce((sum, one) => sum + questionsOf(one, mode), 0) > 1
}

/** How many places of a document may ask something. */
function questionsOf({ declaration }: ParsedDocument, mode: Mode): number {
  const { openCalls, rotateCalls, environmentReferences } = declaration
  return environmentReferences + (mode === 'check' ? 0 : openCalls + rotateCalls.length)
}

/** Asks ahead for what `evaluate` will need. What fails will fail again, where it belongs. */
export async function speculate(
  session: Session,
  evaluate: (speculative: Session) => Promise<unknown>,
): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const speculation = new Speculation()
    try {
      await evaluate(session.speculative(speculation))
    } catch (error) {
      if (!(error instanceof EvaluationStopped)) throw error
    }
    const { questions } = speculation
    if (questions.length === 0) return
    await askAll(questions)
  }
}

async function askAll(questions: readonly (() => Promise<unknown>)[]): Promise<void> {
  const waiting = questions.values()
  const worker = async (): Promise<void> => {
    for (const ask of waiting) await ask().catch(() => undefined)
  }
  await Promise.all(Array.from({ length: Math.min(limits.concurrency, questions.length) }, worker))
}
