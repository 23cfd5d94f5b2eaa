/** What a definition says, before anything is evaluated. Immutable; shared by all evaluations of a document. */
import type { Diagnostic, Range } from '../diagnostic.ts'
import type { Builtin } from '../builtins/builtin.ts'
import type { StringNode, SyntaxNode } from '../syntax/node.ts'

export interface Accessor {
  /** A property name or key, or an array index. */
  key: string | number
  /** Only where a part of the scalar can be pointed at. */
  range?: Range
}
export type Access = Accessor[]

export interface InterpolationPart {
  text: string
  access?: Access
}

export interface ObjectProperty {
  key: StringNode
  /** The key's text after `$$` was unescaped. */
  name: string
  value: Expression
}

interface Base {
  /** Undefined where nothing was written: a missing argument, an omitted state. */
  syntax?: SyntaxNode
}
export interface MissingExpression extends Base {
  kind: 'missing'
}
export interface NullExpression extends Base {
  kind: 'null'
}
export interface BooleanExpression extends Base {
  kind: 'boolean'
  value: boolean
}
export interface NumberExpression extends Base {
  kind: 'number'
  text: string
}
export interface StringExpression extends Base {
  kind: 'string'
  value: string
}
/** A string with references in it: always a string. */
export interface InterpolationExpression extends Base {
  kind: 'interpolation'
  parts: InterpolationPart[]
}
/** A string that is one reference and nothing else: keeps the type of what it refers to. */
export interface SymbolExpression extends Base {
  kind: 'symbol'
  access: Access
}
export interface ArrayExpression extends Base {
  kind: 'array'
  elements: Expression[]
}
export interface ObjectExpression extends Base {
  kind: 'object'
  /** In source order, duplicates left out: the first one wins. */
  properties: Map<string, ObjectProperty>
  /** Every key with its range, also of duplicates (the last one's). */
  keyRanges: Map<string, Range>
}
export interface CallExpression extends Base {
  kind: 'call'
  builtin: Builtin
  name: StringNode
  argument: SyntaxNode
  /** Of `fn::open` and `fn::rotate`; undefined when it is missing or no literal. */
  provider?: string
  /** The arguments by name, `missing` where they could not be parsed. */
  parts: Record<string, Expression>
  /** For `fn::secret` and the like: what parsing already knows. */
  literal?: string
}
export type Expression =
  | MissingExpression
  | NullExpression
  | BooleanExpression
  | NumberExpression
  | StringExpression
  | InterpolationExpression
  | SymbolExpression
  | ArrayExpression
  | ObjectExpression
  | CallExpression

export interface ImportDeclaration {
  name: string
  merge: boolean
  syntax: SyntaxNode
}

export interface Declaration {
  imports: ImportDeclaration[]
  /** True when the text lists imports at all, readable or not. */
  hasImports: boolean
  values: ObjectExpression
  hasValues: boolean
  /** Duplicate and reserved keys: reported by every evaluation, before its values. */
  declarationDiagnostics: Diagnostic[]
  /** Every `fn::rotate` call, in source order. */
  rotateCalls: CallExpression[]
  /** How many `fn::open` calls there are. */
  openCalls: number
  /** How many strings refer to `environments…`. */
  environmentReferences: number
}
