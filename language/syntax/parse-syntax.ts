/** Text → syntax tree, with the diagnostics of this stage. An error here leaves no tree at all. */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import type { Diagnostic, Range } from '../diagnostic.ts'
import { limits, MORE_DIAGNOSTICS } from '../limits.ts'
import type { ArrayNode, ObjectEntry, ObjectNode, ScalarStyle, StringNode, SyntaxNode } from './node.ts'
import { childPath, pathText, ROOT_PATH, type SyntaxPath } from './path.ts'
import { Positions } from './positions.ts'
import { typePlainScalar, typeTaggedScalar } from './scalar.ts'
import { composeYaml, nestingMessage } from './yaml-document.ts'

export interface Syntax {
  /** Null when there is an error, or nothing in the text (`blank` tells which). */
  root: SyntaxNode | null
  /** True for a text that holds nothing but white space and comments, or null. */
  blank: boolean
  diagnostics: Diagnostic[]
}

export function parseSyntax(name: string, text: string): Syntax {
  if (text === '') return { root: null, blank: true, diagnostics: [] }
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.textBytes) {
    return failed(`a definition is limited to ${limits.textBytes} bytes; this one has ${bytes}`)
  }
  const composed = composeYaml(text)
  const positions = new Positions(text)
  if ('error' in composed) {
    const { line, column } = positions.at(composed.error.offset)
    return failed(`yaml: line ${line}, column ${column}: ${composed.error.message}`)
  }
  if (composed.contents === null) return failed(NO_OBJECT, true)
  const builder = new SyntaxBuilder(name, positions)
  const root = builder.build(composed.contents, ROOT_PATH, undefined, 1)
  const { diagnostics } = builder
  if (root.kind === 'null' && diagnostics.length === 0) return failed(NO_OBJECT, true)
  return { root: diagnostics.length > 0 ? null : root, blank: false, diagnostics }
}

const NO_OBJECT = 'environment must be an object'

function failed(summary: string, blank = false): Syntax {
  return { root: null, blank, diagnostics: [{ severity: 'error', summary, path: '' }] }
}

/** Tokens of the library that stand before a node: anchors, tags, indicators, white space. */
type LeadingTokens = { type: string; offset: number }[] | undefined

class SyntaxBuilder {
  readonly diagnostics: Diagnostic[] = []
  readonly #name: string
  readonly #positions: Positions
  #tooDeep = false

  constructor(name: string, positions: Positions) {
    this.#name = name
    this.#positions = positions
  }

  build(
    node: ParsedNode | null,
    path: SyntaxPath,
    leading: LeadingTokens,
    depth: number,
    absentAt = 0,
  ): SyntaxNode {
    if (isMap(node) || isSeq(node)) {
      if (depth > limits.nesting) return this.#refuseDepth(node, path)
      return isMap(node) ? this.#object(node, path, leading, depth) : this.#array(node, path, leading, depth)
    }
    if (isScalar(node)) return this.#scalar(node, path, leading)
    const offset = node?.range[0] ?? absentAt
    if (isAlias(node)) {
      const range = this.#range(offset, offset + node.source.length)
      this.#error('alias nodes are not supported', range, path)
    }
    return {
      kind: 'null',
      style: 'plain',
      path,
      range: this.#range(offset, offset),
      start: offset,
      end: offset,
    }
  }

  #object(node: YAMLMap.Parsed, path: SyntaxPath, leading: LeadingTokens, depth: number): ObjectNode {
    const entries: ObjectEntry[] = []
    let end: Range['end'] | undefined
    for (const pair of node.items) {
      if (!isPair(pair)) continue
      const token = (pair as { srcToken?: { start?: LeadingTokens; sep?: LeadingTokens } }).srcToken
      const key = this.#key(pair.key, path, token?.start)
      const colon = token?.sep?.find((part) => part.type === 'map-value-ind')
      const value = this.build(pair.value, key.path, token?.sep, depth + 1, key.end)
      const explicit = token?.start?.some((part) => part.type === 'explicit-key-ind') ?? false
      entries.push({ key, value, explicit, ...(colon && { colonEnd: colon.offset + 1 }) })
      end = value.range.end
      if (this.#tooDeep) break
    }
    return {
      kind: 'object',
      flow: node.flow ?? false,
      entries,
      path,
      ...this.#extent(node, leading, end, entries[0]?.key.start),
    }
  }

  #array(node: YAMLSeq.Parsed, path: SyntaxPath, leading: LeadingTokens, depth: number): ArrayNode {
    const items: SyntaxNode[] = []
    const tokens = (node.srcToken as { items?: { start?: LeadingTokens }[] } | undefined)?.items
    let end: Range['end'] | undefined
    for (const [index, item] of node.items.entries()) {
      const built = this.build(item as ParsedNode, childPath(path, index), tokens?.[index]?.start, depth + 1)
      items.push(built)
      end = built.range.end
      if (this.#tooDeep) break
    }
    return { kind: 'array', flow: node.flow ?? false, items, path, ...this.#extent(node, leading, end) }
  }

  #key(node: unknown, parent: SyntaxPath, leading: LeadingTokens): StringNode {
    const path = childPath(parent, isScalar(node) ? textOf(node as Scalar.Parsed) : '')
    const built = this.build(node as ParsedNode | null, path, leading, 1)
    if (built.kind === 'string') return built
    this.#error('mapping keys must be strings', built.range, path)
    const { range, start, end } = built
    return { kind: 'string', value: '', style: 'plain', path, range, start, end }
  }

  #scalar(node: Scalar.Parsed, path: SyntaxPath, leading: LeadingTokens): SyntaxNode {
    const text = textOf(node)
    const style = STYLES[node.type ?? 'PLAIN'] ?? 'plain'
    const absent = node.range[0] === node.range[1]
    const start = absent ? this.#absentStart(node, leading) : this.#startOf(node, leading)
    const where = {
      path,
      style,
      start,
      end: Math.max(start, absent ? 0 : node.range[1]),
      range: this.#scalarRange(node, text, style, start),
    }
    const tag = tagOf(node)
    const typed = tag
      ? typeTaggedScalar(text, tag)
      : style === 'plain'
        ? typePlainScalar(text)
        : ({ kind: 'string', value: text } as const)
    if (typeof typed === 'string') {
      this.#error(typed, where.range, path)
      return { kind: 'null', ...where }
    }
    const textStart = style === 'plain' && !tag ? where.range.begin : undefined
    if (typed.kind === 'string') return { ...typed, ...where, ...(textStart && { textStart }) }
    return { ...typed, ...where }
  }

  // an anchor before the first key of a block mapping is the key's, and still where the mapping starts
  #extent(
    node: ParsedNode,
    leading: LeadingTokens,
    lastEnd: Range['end'] | undefined,
    firstKeyStart = Number.MAX_SAFE_INTEGER,
  ) {
    const start = Math.min(this.#startOf(node, leading), firstKeyStart)
    const begin = this.#positions.at(start)
    return { start, end: node.range[1], range: { environment: this.#name, begin, end: lastEnd ?? begin } }
  }

  /** The first anchor or tag of the node, where it has one. */
  #startOf(node: ParsedNode, leading: LeadingTokens): number {
    const tagged = ('anchor' in node && node.anchor !== undefined) || node.tag !== undefined
    if (!tagged || !leading) return node.range[0]
    const first = leading.find((part) => part.type === 'anchor' || part.type === 'tag')
    return first?.offset ?? node.range[0]
  }

  /** Where nothing is written: its anchor or tag, or else just behind the colon or dash. */
  #absentStart(node: Scalar.Parsed, leading: LeadingTokens): number {
    const start = this.#startOf(node, leading)
    const before = leading?.findLast(({ type }) => type === 'map-value-ind' || type === 'seq-item-ind')
    return start === node.range[0] && before ? before.offset + 1 : start
  }

  // the end is where the decoded text would end, quotes not counted: what other implementations report
  #scalarRange(node: Scalar.Parsed, text: string, style: ScalarStyle, start: number): Range {
    const begin = this.#positions.at(start)
    let { line } = begin
    let length = Buffer.byteLength(text)
    const tag = tagOf(node)
    if (style === 'literal' && !tag) {
      const lines = text.split('\n')
      line += lines.length - 1
      length = Buffer.byteLength(lines.at(-1)!)
    } else if (style === 'plain' && tag) {
      length += tag.replace('tag:yaml.org,2002:', '!!').length + 1
    }
    return { environment: this.#name, begin, end: this.#positions.atColumn(line, begin.column + length) }
  }

  #range(start: number, end: number): Range {
    return { environment: this.#name, begin: this.#positions.at(start), end: this.#positions.at(end) }
  }

  #refuseDepth(node: ParsedNode, path: SyntaxPath): SyntaxNode {
    const offset = node.range[0]
    const range = this.#range(offset, offset)
    this.#tooDeep = true
    this.#error(nestingMessage(), range, path)
    return { kind: 'null', style: 'plain', path, range, start: offset, end: offset }
  }

  #error(summary: string, range: Range, path: SyntaxPath): void {
    if (this.diagnostics.length > limits.diagnostics) return
    if (this.diagnostics.length === limits.diagnostics) {
      this.diagnostics.push({ severity: 'error', summary: MORE_DIAGNOSTICS, path: '' })
    } else {
      this.diagnostics.push({ severity: 'error', summary, path: pathText(path), range })
    }
  }
}

/** The tag `!` alone says nothing. */
function tagOf({ tag }: Scalar.Parsed): string | undefined {
  return tag === '!' ? undefined : tag
}

function textOf(node: Scalar.Parsed): string {
  return typeof node.value === 'string' ? node.value : (node.source ?? '')
}

const STYLES: Record<string, ScalarStyle> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
}
