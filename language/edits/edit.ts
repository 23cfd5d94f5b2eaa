/** Replacements in a text, and why an edit cannot be made. */

export interface TextEdit {
  start: number
  end: number
  text: string
}

/** Why a text cannot be edited, in words for the person who asked for it. Holds nothing of the text itself. */
export class EditError extends Error {
  override name = 'EditError'
}

/** Applies edits that do not overlap; those at one place in the order given. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const ordered = [...edits].sort((a, b) => a.start - b.start || a.end - b.end)
  const pieces: string[] = []
  let at = 0
  for (const { start, end, text: replacement } of ordered) {
    if (start < at) throw new EditError('two edits overlap')
    pieces.push(text.slice(at, start), replacement)
    at = end
  }
  pieces.push(text.slice(at))
  return pieces.join('')
}
