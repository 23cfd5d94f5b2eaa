/** What the page of a login says beside its schemas. test/docs/pages.test.ts holds the examples to the API. */
import type { FailureCode } from '../../model/failures.ts'
import type { Block, Definition } from '../rotator-notes/notes.ts'

export interface LoginNotes {
  /** What happens when it is opened, as paragraphs or a list in Markdown. */
  how: string[]
  /** What to do at the other side before, in order. */
  setup: Block[]
  /** The least that the other side has to allow, beside what is then done with the login. */
  permissions: { who: string; grant: string; why: string }[]
  /** Complete definitions, in the order in which they can be saved; the login is in the first. */
  example: Definition[]
  /** What else people ask, by heading. */
  more?: { heading: string; text: string[] }[]
  /** What can go wrong when it is opened, and what to do. */
  failures: Partial<Record<FailureCode, string>>
}
