/**
 * Property paths as people write them (`a.b["odd key"][0]`) and as segments. Two paths are the same when their
 * segments are; their texts may differ (`a["b"]`, `a.b`), so never compare texts.
 */
export type PropertyPath = readonly (string | number)[]

/** Why a text is no property path; `message` is a sentence for the person who wrote it. */
export class PropertyPathError extends Error {
  override name = 'PropertyPathError'
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Parses `a.b["k"][0]`. Bare names run to the next `.` or `[`; inside quotes only `\"` escapes; `a.["b"]` and
 * `a..b` are tolerated as other ESC clients do; the empty text is the empty path.
 * @throws PropertyPathError
 */
export function parsePropertyPath(text: string): PropertyPath {
  const segments: (string | number)[] = []
  const fail = (why: string): never => {
    throw new PropertyPathError(`"${text}" is not a property path: ${why}`)
  }
  if (text.startsWith('.')) fail('it must not start with a dot')
  if (text.endsWith('.')) fail('it must not end with a dot')
  let at = 0
  while (at < text.length) {
    if (text[at] === '.') {
      at += 1
    } else if (text[at] === '[') {
      const [segment, next] = parseSubscript(text, at, fail)
      segments.push(segment)
      at = next
    } else {
      const rest = text.slice(at)
      const length = rest.search(/[.[]/)
      const name = length < 0 ? rest : rest.slice(0, length)
      segments.push(name)
      at += name.length
    }
  }
  return segments
}

function parseSubscript(
  text: string,
  start: number,
  fail: (why: string) => never,
): [string | number, number] {
  if (text[start + 1] === '"') {
    let key = ''
    for (let at = start + 2; at < text.length; at += 1) {
      if (text[at] === '\\' && text[at + 1] === '"') {
        key += '"'
        at += 1
      } else if (text[at] === '"') {
        if (text[at + 1] !== ']') fail('a closing bracket is missing after the quoted key')
        return [key, at + 2]
      } else {
        key += text[at]
      }
    }
    return fail('a closing quote is missing')
  }
  const end = text.indexOf(']', start)
  if (end < 0) fail('a closing bracket is missing')
  const inner = text.slice(start + 1, end)
  if (inner === '*') return ['*', end + 1]
  if (!/^\d+$/.test(inner)) fail(`"${inner}" is neither an index nor a quoted key`)
  return [Number(inner), end + 1]
}

/** Writes a path so that `parsePropertyPath` reads the same segments back. */
export function formatPropertyPath(path: PropertyPath): string {
  let text = ''
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`
    else if (IDENTIFIER.test(segment)) text += text === '' ? segment : `.${segment}`
    else text += `["${segment.replaceAll('"', '\\"')}"]`
  }
  return text
}

/** True when both paths have the same segments. */
export function samePath(a: PropertyPath, b: PropertyPath): boolean {
  return a.length === b.length && a.every((segment, index) => segment === b[index])
}
