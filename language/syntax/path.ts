/** Where a node is in its document: a chain of segments, turned into text only when something is reported. */
import { formatPropertyPath } from '../../model/property-path.ts'

export interface SyntaxPath {
  readonly parent?: SyntaxPath
  readonly segment?: string | number
}

export const ROOT_PATH: SyntaxPath = Object.freeze({})

export function childPath(parent: SyntaxPath, segment: string | number): SyntaxPath {
  return { parent, segment }
}

export function pathSegments(path: SyntaxPath): (string | number)[] {
  const segments: (string | number)[] = []
  for (let at: SyntaxPath | undefined = path; at?.segment !== undefined; at = at.parent)
    segments.push(at.segment)
  return segments.reverse()
}

/** The text for diagnostics; an empty key adds nothing to it. */
export function pathText(path: SyntaxPath): string {
  return formatPropertyPath(pathSegments(path).filter((segment) => segment !== ''))
}
