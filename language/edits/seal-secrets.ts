/** Static secrets of a definition's text: sealed on the way in, revealed for whoever edits. */
import { ciphertextOf } from '../builtins/secret.ts'
import { openEnvelope, sealEnvelope } from '../encoding/envelope.ts'
import { applyEdits, EditError } from './edit.ts'
import { Editor } from './editor.ts'
import { parseText } from './locate.ts'
import { secretCalls } from './secret-calls.ts'

/**
 * Replaces every `fn::secret: <text>`, wherever it is, by its ciphertext in an envelope. What is sealed is the text
 * as written (`$$` stays `$$`). Ciphertexts that are there stay as they are, and so does everything else.
 * @throws EditError when the text is no YAML; whatever `encrypt` rejects with
 */
export async function sealSecrets(
  text: string,
  encrypt: (plaintext: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const { root } = parseText(text)
  if (!root) return text
  const editor = new Editor(text, root)
  for (const { argument, place } of secretCalls(editor, root)) {
    if (argument.kind !== 'string') continue
    const ciphertext = await encrypt(Buffer.from(argument.value))
    editor.replace(argument, { ciphertext: sealEnvelope(ciphertext) }, place)
  }
  return applyEdits(text, editor.edits)
}

/**
 * The reverse for what is under `values`.
 * @throws EditError when the text is no YAML or an envelope is damaged; whatever `decrypt` rejects with
 */
export async function revealSecrets(
  text: string,
  decrypt: (ciphertext: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const { root } = parseText(text)
  if (root?.kind !== 'object') return text
  const editor = new Editor(text, root)
  for (const { key, value } of root.entries) {
    if (key.value.toLowerCase() !== 'values') continue
    for (const { argument, place } of secretCalls(editor, value)) {
      const sealed = ciphertextOf(argument)
      if (sealed?.kind !== 'string') continue
      const ciphertext = openEnvelope(sealed.value)
      if (typeof ciphertext === 'string') throw new EditError(`invalid ciphertext\n${ciphertext}`)
      editor.replace(argument, Buffer.from(await decrypt(ciphertext)).toString(), place)
    }
  }
  return applyEdits(text, editor.edits)
}
