/** What Temporal can be searched for: names and kinds, the same for who registers them and who sets them. Loads no workflow. */
import { defineSearchAttributeKey } from '@temporalio/common'

/** `<organization>/<project>/<environment>`. */
export const ENVIRONMENT = defineSearchAttributeKey('RekeyEnvironment', 'KEYWORD')
/** Why the last event of the run was asked for: `manual`, `schedule`, `signal` … */
export const TRIGGER = defineSearchAttributeKey('RekeyTrigger', 'KEYWORD')
/** A `RunOutcome`; unset while nothing is known, and where there was nothing to do. */
export const OUTCOME = defineSearchAttributeKey('RekeyOutcome', 'KEYWORD')
/** The newest revision that the run wrote. */
export const REVISION = defineSearchAttributeKey('RekeyRevision', 'INT')
/** The failure codes of the run's paths, each once. */
export const FAILURE_CODES = defineSearchAttributeKey('RekeyFailureCode', 'KEYWORD_LIST')
/** The rotators of the run's paths, each once. */
export const ROTATORS = defineSearchAttributeKey('RekeyRotator', 'KEYWORD_LIST')

export const SEARCH_ATTRIBUTES = [ENVIRONMENT, TRIGGER, OUTCOME, REVISION, FAILURE_CODES, ROTATORS] as const

/** All paths of a run taken together; `unknown` before all, for somebody may have to look. */
export type RunOutcome = 'succeeded' | 'partly-failed' | 'failed' | 'skipped' | 'unknown'
