/**
 * The ten invariants of ARCHITECTURE.md, each a function that looks at the evidence of a fire and returns what breaks
 * it. They ask nobody: what they need was gathered from outside, by collect.ts.
 */
import type { Evidence, Violation } from './evidence.ts'
import {
  currentWorks,
  nothingForeignTouched,
  nothingLost,
  previousWorks,
  writtenDownFirst,
} from './invariants/credentials.ts'
import { oneAtATime, publishedOnce, servedOnce } from './invariants/order.ts'
import { nothingInClear, saidInWords } from './invariants/words.ts'

export interface Invariant {
  number: number
  title: string
  check(evidence: Evidence): Violation[]
}

export const INVARIANTS: readonly Invariant[] = [
  { number: 1, title: 'every current has logged in first, and keeps working', check: currentWorks },
  { number: 2, title: 'previous works until the next change begins', check: previousWorks },
  { number: 3, title: 'a committed row says it before it is sent', check: writtenDownFirst },
  { number: 4, title: 'no credential is lost', check: nothingLost },
  { number: 5, title: 'only what was handed over is changed', check: nothingForeignTouched },
  { number: 6, title: 'one event, one owner, the newest attempt', check: oneAtATime },
  { number: 7, title: 'a request is served once', check: servedOnce },
  { number: 8, title: 'an event writes one revision, texts never change', check: publishedOnce },
  { number: 9, title: 'nothing secret is in clear', check: nothingInClear },
  { number: 10, title: 'failures are codes and words', check: saidInWords },
]

export function checkInvariants(evidence: Evidence): Violation[] {
  return INVARIANTS.flatMap(({ check }) => check(evidence))
}
