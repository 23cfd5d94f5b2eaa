/** Paths as people type them, below `values`, as paths from the document's root. */
import { parsePropertyPath, PropertyPathError, type PropertyPath } from '../model/property-path.ts'
import { Failure } from './failure.ts'

/** `imports…` stays where it is: it lies beside `values`. @throws Failure */
export function documentPath(text: string): PropertyPath {
  const segments = readPath(text)
  if (segments.length === 0)
    throw new Failure('the path is empty: write it as database.host or servers[0]["odd key"]')
  return segments[0] === 'imports' ? segments : ['values', ...segments]
}

/** @throws Failure */
export function readPath(text: string): PropertyPath {
  try {
    return parsePropertyPath(text)
  } catch (error) {
    if (error instanceof PropertyPathError) throw new Failure(error.message)
    throw error
  }
}
