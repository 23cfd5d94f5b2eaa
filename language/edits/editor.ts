/**
 * Edits of a definition's text that touch nothing but their target: comments, blank lines, quoting, order and line
 * ends elsewhere stay byte for byte. Collects edits of one text; they are applied by whoever asked.
 */
import type { ArrayNode, ObjectEntry, ObjectNode, ScalarNode, SyntaxNode } from '../syntax/node.ts'
import { isDefinitionObject, type DefinitionValue } from './definition-value.ts'
import type { TextEdit } from './edit.ts'
import { Layout } from './layout.ts'
import {
  afterColon,
  afterDash,
  blockCollection,
  blockEntry,
  blockScalar,
  flowEntry,
  flowText,
  isCollection,
  isEmptyCollection,
  type BlockOptions,
} from './render-value.ts'
import { fitsLiteral } from './render-scalar.ts'
import { sameScalar } from './same-definition.ts'

/** What a node hangs on: a key, a dash, or nothing (the root). */
export interface Place {
  flow: boolean
  /** Column of the key or dash. */
  column: number
  kind: 'key' | 'item' | 'root'
  /** Of a key: the offset just past its colon, or past the key where it has none. */
  after?: number
  colonMissing?: boolean
}

export class Editor {
  readonly layout: Layout
  readonly edits: TextEdit[] = []

  constructor(text: string, root: SyntaxNode | null) {
    this.layout = new Layout(text, root)
  }

  get rootPlace(): Place {
    return { flow: false, column: -this.layout.step, kind: 'root' }
  }

  placeOfEntry(object: ObjectNode, entry: ObjectEntry): Place {
    const column = object.flow ? 0 : this.layout.columnOfKeys(object)
    const colonMissing = entry.colonEnd === undefined
    return { flow: object.flow, column, kind: 'key', after: entry.colonEnd ?? entry.key.end, colonMissing }
  }

  placeOfItem(array: ArrayNode): Place {
    return {
      flow: array.flow,
      column: array.flow ? 0 : this.layout.column(this.#dashBefore(array)),
      kind: 'item',
    }
  }

  // an anchor or tag may stand before the first dash, on the line above it
  #dashBefore(array: ArrayNode): number {
    const { text } = this.layout
    if (text[array.start] === '-') return array.start
    const dash = /\n *-/.exec(text.slice(array.start, array.items[0]!.start))
    return dash ? array.start + dash.index + dash[0].length - 1 : array.start
  }

  /** Makes the node say `wanted`, changing only what differs. */
  update(node: SyntaxNode, wanted: DefinitionValue, place: Place): void {
    if (node.kind === 'object' && isDefinitionObject(wanted) && this.#updateObject(node, wanted)) return
    if (node.kind === 'array' && Array.isArray(wanted) && node.items.length === wanted.length) {
      for (const [index, item] of node.items.entries()) {
        this.update(item, wanted[index] as DefinitionValue, this.placeOfItem(node))
      }
    } else if (!sameScalar(node, wanted)) {
      this.replace(node, wanted, place)
    }
  }

  /** False when so little is common that the object is better replaced. */
  #updateObject(node: ObjectNode, wanted: { [key: string]: DefinitionValue }): boolean {
    const present = new Map(node.entries.map((entry) => [entry.key.value, entry]))
    const added = Object.keys(wanted).filter((key) => !present.has(key))
    const removed = node.entries.filter((entry) => !Object.hasOwn(wanted, entry.key.value))
    const duplicated = present.size < node.entries.length
    if (duplicated || removed.length === present.size || (node.flow && removed.length > 0)) return false
    for (const entry of node.entries) {
      if (Object.hasOwn(wanted, entry.key.value)) {
        this.update(entry.value, wanted[entry.key.value] as DefinitionValue, this.placeOfEntry(node, entry))
      } else {
        this.removeBlockEntry(node, entry)
      }
    }
    if (added.length > 0)
      this.insert(
        node,
        added.map((key) => [key, wanted[key] as DefinitionValue]),
        node.entries.findLast((entry) => !removed.includes(entry)),
      )
    return true
  }

  replace(node: SyntaxNode, wanted: DefinitionValue, place: Place): void {
    const flow =
      place.flow || ((node.kind === 'object' || node.kind === 'array') && node.flow && isCollection(wanted))
    if (flow) this.#replaceInFlow(node, wanted, place)
    else this.#replaceInBlock(node, wanted, place)
  }

  #replaceInFlow(node: SyntaxNode, wanted: DefinitionValue, place: Place): void {
    const text = flowText(wanted, styleOf(node))
    if (node.start < node.end) this.#edit(node.start, node.end, text)
    else if (place.kind === 'key') {
      this.#edit(place.after!, place.after!, `${place.colonMissing ? ':' : ''} ${text}`)
    } else this.#edit(node.start, node.start, text)
  }

  #replaceInBlock(node: SyntaxNode, wanted: DefinitionValue, place: Place): void {
    const { layout } = this
    const absent = node.start === node.end
    const after = place.kind === 'key' ? place.after! : undefined
    const end = absent ? (after ?? node.start) : layout.trimmedEnd(node)
    const options = this.#blockOptions(layout.isBlank(end, layout.lineEnd(end)))
    const oneLine = !isCollection(wanted) || isEmptyCollection(wanted)
    const style = styleOf(node)
    if (after !== undefined && (absent || layout.isBlank(after, node.start))) {
      const gap = absent ? '' : layout.text.slice(after, node.start)
      const space = gap === '' || gap.includes('\n') ? ' ' : gap
      const text = oneLine
        ? `${space}${blockScalar(wanted, place.column, options, style)}`
        : afterColon(wanted, place.column, options)
      this.#edit(after, end, this.#closed(text, end, wanted))
    } else if (after !== undefined) {
      // a comment stands between the key and its value, which keeps its own line
      const text = oneLine
        ? blockScalar(wanted, place.column, options, style)
        : blockCollection(wanted, layout.column(node.start), options)
      this.#edit(node.start, end, this.#closed(text, end, wanted))
    } else {
      const text =
        place.kind === 'root' ? blockCollection(wanted, 0, options) : afterDash(wanted, place.column, options)
      this.#edit(node.start, end, this.#closed(absent ? ` ${text}` : text, end, wanted))
    }
  }

  /** Adds entries after the given one, or after the last. */
  insert(
    node: ObjectNode,
    entries: readonly (readonly [string, DefinitionValue])[],
    anchor: ObjectEntry | undefined = node.entries.at(-1),
  ): void {
    if (node.flow) this.#insertInFlow(node, entries)
    else if (anchor) this.#insertInBlock(node, entries, anchor)
  }

  #insertInBlock(
    node: ObjectNode,
    entries: readonly (readonly [string, DefinitionValue])[],
    { key, value, colonEnd }: ObjectEntry,
  ): void {
    const column = this.layout.columnOfKeys(node)
    const indent = ' '.repeat(column)
    const options = this.#blockOptions(true)
    const lines = entries.map(([name, wanted]) => `${indent}${blockEntry(name, wanted, column, options)}`)
    const end = Math.max(this.layout.endOf(value), colonEnd ?? key.end)
    this.appendLines(value, end, lines.join(this.layout.eol), entries.at(-1)![1])
  }

  /** Adds whole lines after the line on which `node` ends. */
  appendLines(node: SyntaxNode, end: number, lines: string, last: DefinitionValue): void {
    const { layout } = this
    if (end > 0 && layout.text[end - 1] === '\n') {
      this.#edit(end, end, `${lines}${layout.eol}`)
    } else {
      this.#keepUnterminated(node)
      const at = layout.lineEnd(end)
      this.#edit(at, at, this.#closed(`${layout.eol}${lines}`, at, last))
    }
  }

  // a block scalar that ends the text without a line break would gain one by what follows
  #keepUnterminated(node: SyntaxNode): void {
    let last = node
    while (last.kind === 'object' || last.kind === 'array') {
      const inner: SyntaxNode | undefined =
        last.kind === 'object' ? last.entries.at(-1)?.value : last.items.at(-1)
      if (!inner || last.flow) return
      last = inner
    }
    if (last.style !== 'literal' && last.style !== 'folded') return
    const header = /[|>][0-9]*(?=\s)/.exec(this.layout.text.slice(last.start, last.end))
    if (!header || last.end < this.layout.text.length) return
    const at = last.start + header.index + header[0].length
    if (!this.edits.some((edit) => edit.start <= at && at <= edit.end)) this.#edit(at, at, '-')
  }

  #insertInFlow(node: ObjectNode, entries: readonly (readonly [string, DefinitionValue])[]): void {
    const { text } = this.layout
    const rendered = entries.map(([key, value]) => flowEntry(key, value))
    const last = node.entries.at(-1)
    const close = node.end - 1
    if (!last) {
      const open = text.lastIndexOf('{', close)
      this.#edit(open + 1, open + 1, rendered.join(', '))
      return
    }
    const end = Math.max(last.value.end, last.colonEnd ?? last.key.end)
    const comma = this.#commaAfter(end, close)
    const indent = this.#ownLine(last)
    const lineEnd = this.layout.lineEnd(comma ?? end)
    if (indent !== undefined && lineEnd < close) {
      // one entry per line: a comment behind the last one stays behind it
      if (comma === undefined) this.#edit(end, end, ',')
      const separator = `${this.layout.eol}${indent}`
      const lines = `${separator}${rendered.join(`,${separator}`)}${comma === undefined ? '' : ','}`
      this.#edit(lineEnd, lineEnd, lines)
    } else {
      const at = comma ?? end
      this.#edit(at, at, `${comma === undefined ? ',' : ''} ${rendered.join(', ')}`)
    }
  }

  /** The offset just past a comma that follows the last entry of a flow collection. */
  #commaAfter(start: number, close: number): number | undefined {
    const match = /^(?:\s|#.*(?:\n|$))*,/.exec(this.layout.text.slice(start, close))
    return match ? start + match[0].length : undefined
  }

  /** The indentation of an entry that stands first on its line. */
  #ownLine(entry: ObjectEntry): string | undefined {
    const start = this.layout.lineStart(entry.key.start)
    return this.layout.isBlank(start, entry.key.start) && start > 0
      ? this.layout.text.slice(start, entry.key.start)
      : undefined
  }

  /** Removes one of several entries of a block mapping, with its lines. */
  removeBlockEntry(node: ObjectNode, entry: ObjectEntry): void {
    const { layout } = this
    const index = node.entries.indexOf(entry)
    const start = entry.explicit ? layout.text.lastIndexOf('?', entry.key.start) : entry.key.start
    const lineStart = layout.lineStart(start)
    const next = node.entries[index + 1]
    if (!layout.isBlank(lineStart, start) && next) {
      // the first key stands behind a dash: the next one takes its place
      this.#edit(start, next.key.start, '')
      return
    }
    const end = Math.max(this.layout.endOf(entry.value), entry.colonEnd ?? entry.key.end)
    this.#edit(lineStart, layout.text[end - 1] === '\n' ? end : layout.nextLine(end), '')
  }

  #blockOptions(literals: boolean): BlockOptions {
    return { eol: this.layout.eol, step: this.layout.step, literals }
  }

  // a literal block that ends with a line break needs one, also at the end of the text
  #closed(text: string, end: number, value: DefinitionValue): string {
    return end >= this.layout.text.length && endsOpen(value) ? `${text}${this.layout.eol}` : text
  }

  #edit(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text })
  }
}

function styleOf(node: SyntaxNode): ScalarNode['style'] | undefined {
  return node.kind === 'string' ? node.style : undefined
}

/** True when the value's last line may be that of a literal block which needs a line break after it. */
function endsOpen(value: DefinitionValue): boolean {
  if (Array.isArray(value)) return value.length > 0 && endsOpen(value.at(-1)!)
  if (isDefinitionObject(value)) {
    const last = Object.values(value).at(-1)
    return last !== undefined && endsOpen(last)
  }
  return typeof value === 'string' && value.endsWith('\n') && fitsLiteral(value)
}
