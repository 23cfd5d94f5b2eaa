/** Finds the `fn::secret` calls of a text. */
import type { SyntaxNode } from '../syntax/node.ts'
import type { Editor, Place } from './editor.ts'

export interface SecretCall {
  /** The argument: a string in clear, or `{ciphertext: …}`. */
  argument: SyntaxNode
  place: Place
}

export function secretCalls(editor: Editor, root: SyntaxNode): SecretCall[] {
  const found: SecretCall[] = []
  const visit = (node: SyntaxNode): void => {
    if (node.kind === 'array') for (const item of node.items) visit(item)
    if (node.kind !== 'object') return
    const [only] = node.entries
    if (only && node.entries.length === 1 && only.key.value === 'fn::secret') {
      found.push({ argument: only.value, place: editor.placeOfEntry(node, only) })
    }
    for (const { value } of node.entries) visit(value)
  }
  visit(root)
  return found
}
