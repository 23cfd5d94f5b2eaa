/** What the page of a rotator says beside its schemas and permissions. test/docs/pages.test.ts holds the examples to the API. */
import type { FailureCode } from '../../model/failures.ts'

export interface RotatorNotes {
  /** What one rotation does at the target, as paragraphs or a list in Markdown. */
  how: string[]
  /** What to do at the target before the first rotation, in order. */
  setup: Block[]
  /** Complete definitions, in the order in which they can be saved. */
  example: Definition[]
  /** What else people ask, by heading. */
  more?: { heading: string; text: string[] }[]
  /** What a failure code means at this target, and what to do there. */
  failures: Partial<Record<FailureCode, string>>
}

export interface Block {
  about: string
  language: 'sql' | 'json' | 'sh'
  text: string
}

export interface Definition {
  /** `project/name`. */
  environment: string
  about: string
  yaml: string
}
