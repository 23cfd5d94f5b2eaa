/** Finds the node that a path names in a text, or how far the path exists. */
import { formatPropertyPath, type PropertyPath } from '../../model/property-path.ts'
import { parseSyntax } from '../syntax/parse-syntax.ts'
import type { ObjectEntry, SyntaxNode } from '../syntax/node.ts'
import { EditError } from './edit.ts'
import type { Editor, Place } from './editor.ts'

export interface ParsedText {
  text: string
  /** Null where the text holds nothing but white space and comments. */
  root: SyntaxNode | null
}

/** @throws EditError for a text that is no YAML */
export function parseText(text: string): ParsedText {
  const { root, diagnostics } = parseSyntax('', text)
  const [diagnostic] = diagnostics
  if (diagnostic && diagnostic.path === '' && !diagnostic.range && isBlankText(text)) {
    return { text, root: null }
  }
  if (diagnostic) throw new EditError(diagnostic.summary)
  return { text, root }
}

// line by line: one pattern for all of it could take forever on a hostile text
function isBlankText(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(?:#|(?:---)?\s*$)/.test(line))
}

export interface Found {
  node: SyntaxNode
  place: Place
  /** What holds the node: an entry of an object, or an item of an array. */
  parent?: SyntaxNode
  entry?: ObjectEntry
  /** Segments that the text does not have. */
  rest: PropertyPath
}

/** @throws EditError when the path leads through something that has no such parts */
export function locate(editor: Editor, root: SyntaxNode, path: PropertyPath): Found {
  let found: Found = { node: root, place: editor.rootPlace, rest: path }
  while (found.rest.length > 0) {
    const next = step(editor, found, path)
    if (!next) return found
    found = next
  }
  return found
}

function step(editor: Editor, { node, rest }: Found, path: PropertyPath): Found | undefined {
  const segment = rest[0]!
  const where = formatPropertyPath(path)
  if (node.kind === 'object') {
    if (typeof segment !== 'string') throw new EditError(`${where}: key for a map must be a string`)
    const entry = node.entries.find(({ key }) => key.value === segment)
    if (!entry) return undefined
    return {
      node: entry.value,
      place: editor.placeOfEntry(node, entry),
      parent: node,
      entry,
      rest: rest.slice(1),
    }
  }
  if (node.kind === 'array') {
    if (typeof segment !== 'number') throw new EditError(`${where}: key for an array must be an int`)
    if (segment > node.items.length) throw new EditError(`${where}: array index out of range`)
    const item = node.items[segment]
    return item && { node: item, place: editor.placeOfItem(node), parent: node, rest: rest.slice(1) }
  }
  if (node.kind !== 'null') throw new EditError(`${where}: expected an array or an object`)
  return undefined
}
