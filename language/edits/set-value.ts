/** Sets one value of a definition's text, making what is missing on the way. */
import { formatPropertyPath, parsePropertyPath, type PropertyPath } from '../../model/property-path.ts'
import { fromPlain } from '../plain-value.ts'
import type { SyntaxNode } from '../syntax/node.ts'
import { definitionOf, isDefinitionObject, type DefinitionValue } from './definition-value.ts'
import { applyEdits, EditError } from './edit.ts'
import { Editor } from './editor.ts'
import { Layout } from './layout.ts'
import { locate, parseText } from './locate.ts'
import { afterDash, blockCollection, flowText } from './render-value.ts'
import { canonical, canonicalDefinition } from './same-definition.ts'

/**
 * Sets the value at a path (from the document's root, e.g. `values.db.password`) and leaves everything else of the
 * text as it is. A string is definition text: `${…}` in it refers. With `secret` the value is taken literally and
 * kept as `fn::secret`.
 * @throws EditError when the text is no YAML or the path leads through a scalar; PropertyPathError
 */
export function setValue(
  text: string,
  path: string,
  value: DefinitionValue,
  options: { secret?: boolean } = {},
): string {
  const wanted = options.secret ? secretOf(value) : value
  return setDefinition(text, parsePropertyPath(path), wanted)
}

function setDefinition(text: string, path: PropertyPath, wanted: DefinitionValue): string {
  return setDefinitions(text, [{ path, wanted }])
}

export interface Assignment {
  path: PropertyPath
  wanted: DefinitionValue
}

/** Sets several values, in order; the text is parsed once for all that do not touch one another. */
export function setDefinitions(text: string, assignments: readonly Assignment[]): string {
  let edited = text
  for (let pending = assignments; pending.length > 0;) {
    const { root } = parseText(edited)
    const [first, ...others] = pending as [Assignment, ...Assignment[]]
    if (!root) {
      edited = verified(appendTo(edited, nested(first.path, first.wanted), first.path), [first])
      pending = others
      continue
    }
    const editor = new Editor(edited, root)
    const done = pending.filter((assignment) => assign(editor, root, assignment))
    edited = verified(applyEdits(edited, editor.edits), done)
    pending = pending.filter((assignment) => !done.includes(assignment))
  }
  return edited
}

/** False, and nothing done, when it would touch what another assignment of this round touches. */
function assign(editor: Editor, root: SyntaxNode, { path, wanted }: Assignment): boolean {
  const before = editor.edits.length
  const { node, place, rest } = locate(editor, root, path)
  if (rest.length === 0) editor.update(node, wanted, place)
  else addTo(editor, { node, place, rest }, wanted)
  const mine = editor.edits.slice(before)
  const others = editor.edits.slice(0, before)
  if (!mine.some((edit) => others.some((other) => edit.start <= other.end && other.start <= edit.end)))
    return true
  editor.edits.length = before
  return false
}

function addTo(
  editor: Editor,
  { node, place, rest }: Pick<ReturnType<typeof locate>, 'node' | 'place' | 'rest'>,
  wanted: DefinitionValue,
): void {
  const added = nested(rest.slice(1), wanted)
  if (node.kind === 'object' && node.entries.length > 0) {
    editor.insert(node, [[rest[0] as string, added]])
  } else if (node.kind === 'array' && node.items.length > 0) {
    if (node.flow) {
      const end = node.items.at(-1)!.end
      editor.edits.push({ start: end, end, text: `, ${flowText(added)}` })
    } else {
      const { column } = editor.placeOfItem(node)
      const { eol, step } = editor.layout
      const line = `${' '.repeat(column)}- ${afterDash(added, column, { eol, step, literals: true })}`
      editor.appendLines(node, editor.layout.endOf(node), line, added)
    }
  } else {
    editor.replace(node, nested(rest, wanted), place)
  }
}

/** The value wrapped in what its path needs. */
function nested(path: PropertyPath, value: DefinitionValue): DefinitionValue {
  return path.reduceRight<DefinitionValue>((inner, segment) => {
    if (typeof segment === 'string') return { [segment]: inner }
    if (segment !== 0) throw new EditError(`${formatPropertyPath(path)}: array index out of range`)
    return [inner]
  }, value)
}

function appendTo(text: string, value: DefinitionValue, path: PropertyPath): string {
  if (!isDefinitionObject(value))
    throw new EditError(`${formatPropertyPath(path)}: a definition must be an object`)
  const { eol, step } = new Layout(text, null)
  const gap = text === '' || text.endsWith('\n') ? '' : eol
  return `${text}${gap}${blockCollection(value, 0, { eol, step, literals: true })}${eol}`
}

// a credential that is written wrongly is lost: read back what was written before anybody relies on it
function verified(text: string, assignments: readonly Assignment[]): string {
  const { root } = parseText(text)
  const editor = new Editor(text, root)
  for (const { path, wanted } of assignments) {
    const found = root && locate(editor, root, path)
    if (found?.rest.length !== 0 || canonical(found.node) !== canonicalDefinition(wanted)) {
      throw new EditError(`${formatPropertyPath(path)}: the value could not be written in this place`)
    }
  }
  return text
}

function secretOf(value: DefinitionValue): DefinitionValue {
  return definitionOf({ value: valueOf(value), secret: true })
}

function valueOf(value: DefinitionValue): Parameters<typeof definitionOf>[0]['value'] {
  return fromPlain(value).value
}
