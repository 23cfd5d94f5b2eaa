/** A string node → literal, symbol or interpolation, with the places of its accessors. */
import type { Diagnostic, Position, Range } from '../diagnostic.ts'
import type { StringNode } from '../syntax/node.ts'
import { pathText } from '../syntax/path.ts'
import { extentsOf } from '../syntax/display-width.ts'
import type { Accessor, Expression } from './expression.ts'
import { parseInterpolation, type Extent, type ParsedAccessor } from './parse-interpolation.ts'

export function parseString(node: StringNode, report: (diagnostic: Diagnostic) => void): Expression {
  if (!node.value.includes('$')) return { kind: 'string', value: node.value, syntax: node }
  const { parts, errors } = parseInterpolation(node.value)
  const rangeOf = rangesWithin(node)
  for (const { summary, extent } of errors) {
    report({ severity: 'error', summary, path: pathText(node.path), range: rangeOf(extent) ?? node.range })
  }
  if (parts.every((part) => !part.access)) {
    return { kind: 'string', value: parts.map((part) => part.text).join(''), syntax: node }
  }
  const locate = ({ key, extent }: ParsedAccessor): Accessor => {
    const range = rangeOf(extent)
    return { key, ...(range && { range }) }
  }
  const located = parts.map(({ text, access }) => ({ text, ...(access && { access: access.map(locate) }) }))
  const [first] = located
  if (located.length === 1 && first!.text === '' && first!.access) {
    return { kind: 'symbol', access: first!.access, syntax: node }
  }
  return { kind: 'interpolation', parts: located, syntax: node }
}

/** Ranges of parts of a string; undefined where only the whole can be pointed at. */
function rangesWithin(node: StringNode): (extent: Extent) => Range | undefined {
  const start = node.textStart
  if (!start) return () => undefined
  const extentAt = extentsOf(node.value)
  const at = (offset: number): Position => {
    const { columns, bytes } = extentAt(offset)
    return { line: start.line, column: start.column + columns, byte: start.byte + bytes }
  }
  const { environment } = node.range
  return ([from, to]) => ({ ...(environment !== undefined && { environment }), begin: at(from), end: at(to) })
}
