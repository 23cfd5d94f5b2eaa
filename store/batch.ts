/**
 * Questions of many callers to the store, asked together: those that come in one turn of the event loop, and those that
 * come while a statement is under way, which wait for the next. Nobody is answered from before he asked, so nothing is
 * ever out of date.
 */
import { setImmediate as turn } from 'node:timers/promises'

/** Milliseconds after which a statement holds up the questions behind it no longer: its connection may be gone. */
const PATIENCE = 100
/** Statements of one kind that are under way at the same time, when one after the other takes that long. */
const WIDTH = 4
/** Questions in one statement. */
const SIZE = 100

interface Waiting<Question, Answer> {
  question: Question
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/**
 * `ask` gives one answer for each question, in the same order. Where it fails for many, each is asked alone: what is
 * wrong with one question is no fault of the others.
 */
export function batched<Question, Answer>(
  ask: (questions: Question[]) => Promise<Answer[]>,
): (question: Question) => Promise<Answer> {
  const waiting: Waiting<Question, Answer>[] = []
  let running = 0
  let begunAt = 0

  const answerAll = async (asked: Waiting<Question, Answer>[]): Promise<void> => {
    try {
      const answers = await ask(asked.map(({ question }) => question))
      for (const [at, { resolve }] of asked.entries()) resolve(answers[at]!)
    } catch (error) {
      if (asked.length === 1) asked[0]!.reject(error)
      else for (const one of asked) await answerAll([one])
    }
  }
  const run = async (): Promise<void> => {
    running += 1
    while (waiting.length > 0) {
      begunAt = performance.now()
      // Requests that have arrived by now are all read in this turn.
      await turn()
      const asked = waiting.splice(0, SIZE)
      if (asked.length > 0) await answerAll(asked)
    }
    running -= 1
  }

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject })
      if (running === 0 || (running < WIDTH && performance.now() - begunAt > PATIENCE)) void run()
    })
}

/** One of something for each database connection, made at its first use and gone with it. */
export function oncePer<Key extends object, T>(make: (key: Key) => T): (key: Key) => T {
  const made = new WeakMap<Key, T>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const fresh = make(key)
    made.set(key, fresh)
    return fresh
  }
}
