/** Texts in double quotes, as other ESC implementations quote keys in messages and nested values in strings. */

const SHORT: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}
// letters, marks, numbers, punctuation and symbols are printable, and of spaces only the ASCII one
const PRINTABLE = /^[ \p{L}\p{M}\p{N}\p{P}\p{S}]$/u

export function quote(text: string): string {
  // JSON escapes quotes and backslashes the same way, and is much quicker at it
  if (/^[ -~]*$/.test(text)) return JSON.stringify(text)
  let quoted = '"'
  for (const character of text) quoted += SHORT[character] ?? escape(character)
  return `${quoted}"`
}

function escape(character: string): string {
  if (PRINTABLE.test(character)) return character
  const code = character.codePointAt(0)!
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  if (code < 0x80) return `\\x${hex(code, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
