/** The tree that a definition's text becomes: typed scalars, arrays, objects, each with where it came from. */
import type { Range } from '../diagnostic.ts'
import type { SyntaxPath } from './path.ts'

interface NodeBase {
  path: SyntaxPath
  /** Where diagnostics and traces point; ends approximately, as other ESC implementations report it. */
  range: Range
  /** UTF-16 offsets of the exact text, anchors and tags, quotes and closing brackets included. */
  start: number
  end: number
}

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded'

export interface NullNode extends NodeBase {
  kind: 'null'
  style: ScalarStyle
}
export interface BooleanNode extends NodeBase {
  kind: 'boolean'
  value: boolean
  style: ScalarStyle
}
export interface NumberNode extends NodeBase {
  kind: 'number'
  /** Normalised decimal text. */
  value: string
  style: ScalarStyle
}
export interface StringNode extends NodeBase {
  kind: 'string'
  value: string
  style: ScalarStyle
  /** Position of the first character of a plain, one-line scalar: only there can a part of it be pointed at. */
  textStart?: Range['begin']
}
export interface ArrayNode extends NodeBase {
  kind: 'array'
  flow: boolean
  items: SyntaxNode[]
}
export interface ObjectNode extends NodeBase {
  kind: 'object'
  flow: boolean
  entries: ObjectEntry[]
}
export interface ObjectEntry {
  key: StringNode
  value: SyntaxNode
  /** Offset just past the colon; undefined for a flow key without one (`{a, b}`). */
  colonEnd?: number
  /** True when the entry is written `? key`. */
  explicit: boolean
}
export type ScalarNode = NullNode | BooleanNode | NumberNode | StringNode
export type SyntaxNode = ScalarNode | ArrayNode | ObjectNode
