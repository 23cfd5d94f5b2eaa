/** What a dry run tells: for each path how a rotation now would end, as far as can be told without changing anything. */
import type { FailureCode } from './failures.ts'
import type { RotationOutcome } from './outcomes.ts'

export interface RehearsedPath {
  path: string
  rotator: string
  targets: string[]
  expected: RotationOutcome
  code: FailureCode | null
  message: string | null
  /** ISO 8601; where it is too soon, until when. */
  notBefore: string | null
  /** Nothing is published yet. */
  isFirst: boolean
  /** What would be written or made; null where nothing would. */
  writes: string | null
  /** What would be done at the target before that. */
  first: string[]
  /** Earlier rotations that left something in doubt: they come first. */
  unsettled: { rotation: string; words: string }[]
  warnings: string[]
}

export interface RehearsalResult {
  /** That was evaluated; 0 where there is none. */
  revision: number
  /** What is under way in the environment: this rotation would come after it, or be it. */
  underWay: { event: string; action: string } | null
  /** Set where the whole rotation would be refused. */
  refused: { code: FailureCode; message: string } | null
  paths: RehearsedPath[]
}
