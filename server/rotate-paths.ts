/** Paths that people ask to rotate, against the rotate calls that a definition has. */
import { calls, load } from '../language/index.ts'
import { formatEnvironmentName, type EnvironmentName } from '../model/environment-name.ts'
import { formatPropertyPath, parsePropertyPath, PropertyPathError, samePath } from '../model/property-path.ts'
import { Refusal } from '../model/refusal.ts'

/**
 * The paths as the definition's own listing spells them.
 * @throws Refusal invalid, when one names no rotate call of the definition.
 */
export function demandRotateCalls(environment: string, text: string, paths: string[]): string[] {
  const known = calls(load(environment, text).document).map(({ path }) => ({
    path,
    segments: parsePropertyPath(path),
  }))
  return paths.map((asked) => {
    const segments = read(asked)
    const call = known.find((candidate) => samePath(candidate.segments, segments))
    if (call) return call.path
    const list = known.map(({ path }) => path)
    throw new Refusal(
      'invalid',
      `"${formatPropertyPath(segments)}" names no rotate call of ${environment}; ` +
        (list.length > 0 ? `it has ${list.slice(0, 20).join(', ')}` : 'it has none'),
    )
  })
}

/**
 * What a request asks to act on: each path once, null for all. A repeat is taken as it began, also when the definition
 * has changed since.
 * @throws Refusal invalid, when a path is none, or names no rotate call of the definition.
 */
export function askedPaths(
  { environment, text }: { environment: EnvironmentName; text: string },
  asked: string[],
  isRepeat = false,
): string[] | null {
  const paths = isRepeat
    ? asked.map(canonicalPath)
    : demandRotateCalls(formatEnvironmentName(environment), text, asked)
  return paths.length === 0 ? null : [...new Set(paths)]
}

/** The one spelling of a path. @throws Refusal invalid */
function canonicalPath(text: string): string {
  return formatPropertyPath(read(text))
}

function read(text: string) {
  try {
    return parsePropertyPath(text)
  } catch (error) {
    if (error instanceof PropertyPathError) throw new Refusal('invalid', error.message)
    throw error
  }
}
