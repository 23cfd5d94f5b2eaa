/** Removes one value of a definition's text, with its key or dash. */
import { parsePropertyPath } from '../../model/property-path.ts'
import type { ArrayNode, ObjectEntry, ObjectNode } from '../syntax/node.ts'
import { applyEdits, EditError } from './edit.ts'
import { Editor } from './editor.ts'
import { locate, parseText } from './locate.ts'

/**
 * Removes the value at a path (from the document's root) and leaves everything else of the text as it is. The last
 * value of a collection leaves an empty one. A path that does not exist changes nothing.
 * @throws EditError when the text is no YAML or the path leads through a scalar; PropertyPathError
 */
export function removeValue(text: string, path: string): string {
  const segments = parsePropertyPath(path)
  const { root } = parseText(text)
  if (!root) return text
  if (segments.length === 0) throw new EditError('a path is needed')
  const editor = new Editor(text, root)
  const found = locate(editor, root, segments)
  if (found.rest.length > 0) return text
  const { parent, entry, node } = found
  const holder = locate(editor, root, segments.slice(0, -1))
  if (parent?.kind === 'object' && entry) {
    if (parent.entries.length === 1) editor.replace(parent, {}, holder.place)
    else if (parent.flow) removeFlowItem(editor, parent, entry)
    else editor.removeBlockEntry(parent, entry)
  } else if (parent?.kind === 'array') {
    if (parent.items.length === 1) editor.replace(parent, [], holder.place)
    else if (parent.flow) removeFlowRange(editor, parent.items, parent.items.indexOf(node))
    else removeBlockItem(editor, parent, parent.items.indexOf(node))
  }
  return applyEdits(text, editor.edits)
}

function removeFlowItem(editor: Editor, parent: ObjectNode, entry: ObjectEntry): void {
  const extents = parent.entries.map(({ key, value, colonEnd }) => ({
    start: key.start,
    end: Math.max(value.end, colonEnd ?? key.end),
  }))
  removeFlowRange(editor, extents, parent.entries.indexOf(entry))
}

function removeFlowRange(
  editor: Editor,
  extents: readonly { start: number; end: number }[],
  index: number,
): void {
  const { start, end } = extents[index]!
  const next = extents[index + 1]
  const previous = extents[index - 1]
  if (next) editor.edits.push({ start, end: next.start, text: '' })
  else editor.edits.push({ start: previous?.end ?? start, end, text: '' })
}

function removeBlockItem(editor: Editor, parent: ArrayNode, index: number): void {
  const { layout } = editor
  const { column } = editor.placeOfItem(parent)
  const dash = dashOf(editor, parent, index, column)
  const lineStart = layout.lineStart(dash)
  const next = parent.items[index + 1]
  if (!layout.isBlank(lineStart, dash) && next) {
    editor.edits.push({ start: dash, end: dashOf(editor, parent, index + 1, column), text: '' })
    return
  }
  const end = layout.trimmedEnd(parent.items[index]!)
  editor.edits.push({ start: lineStart, end: layout.nextLine(Math.max(end, dash)), text: '' })
}

/** Goes up the lines to the one that has the dash in its column. */
function dashOf(editor: Editor, parent: ArrayNode, index: number, column: number): number {
  const { layout } = editor
  for (let at = parent.items[index]!.start; at >= parent.start; at = layout.lineStart(at) - 1) {
    const dash = layout.lineStart(at) + column
    if (layout.text[dash] === '-') return dash
    if (layout.lineStart(at) === 0) break
  }
  return parent.items[index]!.start
}
