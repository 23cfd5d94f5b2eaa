/** How a text is laid out: its line ends, its indentation, and where things are on their lines. */
import type { ObjectNode, SyntaxNode } from '../syntax/node.ts'

export class Layout {
  readonly text: string
  readonly eol: string
  /** Spaces by which nested block mappings are indented. */
  readonly step: number

  constructor(text: string, root: SyntaxNode | null) {
    this.text = text
    this.eol = /\r\n/.test(text) ? '\r\n' : '\n'
    this.step = (root && this.#detectStep(root)) ?? 2
  }

  lineStart(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1
  }

  /** The end of the line, before its line break. */
  lineEnd(offset: number): number {
    const end = this.text.indexOf('\n', offset)
    if (end < 0) return this.text.length
    return this.text[end - 1] === '\r' && end > offset ? end - 1 : end
  }

  /** The start of the next line, or the end of the text. */
  nextLine(offset: number): number {
    const end = this.text.indexOf('\n', offset)
    return end < 0 ? this.text.length : end + 1
  }

  column(offset: number): number {
    const start = this.lineStart(offset)
    return offset - start - (start === 0 && this.text.startsWith('\ufeff') ? 1 : 0)
  }

  /** The column at which the keys of a block mapping stand. */
  columnOfKeys(node: ObjectNode): number {
    const first = node.entries[0]!
    if (!first.explicit) return this.column(first.key.start)
    return this.column(this.text.lastIndexOf('?', first.key.start))
  }

  /** Where the last thing in a node ends: comments behind that are not part of it. */
  endOf(node: SyntaxNode): number {
    if (node.kind === 'object' && !node.flow) {
      const last = node.entries.at(-1)!
      return Math.max(this.endOf(last.value), last.colonEnd ?? last.key.end)
    }
    if (node.kind === 'array' && !node.flow) return Math.max(this.endOf(node.items.at(-1)!), node.start + 1)
    return node.end
  }

  /** The same without the line break that a block scalar ends with. */
  trimmedEnd(node: SyntaxNode): number {
    const end = this.endOf(node)
    if (end === node.start || this.text[end - 1] !== '\n') return end
    return this.text[end - 2] === '\r' ? end - 2 : end - 1
  }

  isBlank(start: number, end: number): boolean {
    return /^\s*$/.test(this.text.slice(start, end))
  }

  #detectStep(node: SyntaxNode): number | undefined {
    if (node.kind === 'array') {
      for (const item of node.items) {
        const step = this.#detectStep(item)
        if (step !== undefined) return step
      }
    }
    if (node.kind !== 'object' || node.flow) return undefined
    for (const { value } of node.entries) {
      if (value.kind === 'object' && !value.flow && value.entries.length > 0) {
        const step = this.columnOfKeys(value) - this.columnOfKeys(node)
        if (step > 0) return step
      }
      const step = this.#detectStep(value)
      if (step !== undefined) return step
    }
    return undefined
  }
}
