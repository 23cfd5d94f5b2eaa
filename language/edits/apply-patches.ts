/** Writes new rotation states into a definition's text. */
import { parsePropertyPath } from '../../model/property-path.ts'
import type { Patch } from '../evaluation/session.ts'
import { definitionOf } from './definition-value.ts'
import { setDefinitions } from './set-value.ts'

/**
 * Sets each patch's value at its path and leaves everything else of the text as it is: comments, layout, key order,
 * quoting, and in the state itself whatever stays the same. Secrets become `fn::secret` in clear: seal them next.
 * @throws EditError when the text is no YAML, or a path leads through a scalar
 */
export function applyPatches(text: string, patches: readonly Patch[]): string {
  const assignments = patches.map(({ docPath, replacement }) => ({
    path: parsePropertyPath(docPath),
    wanted: definitionOf(replacement),
  }))
  return setDefinitions(text, assignments)
}
