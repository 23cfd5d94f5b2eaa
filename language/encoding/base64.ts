/** Strict base64 (standard alphabet, padded, line breaks ignored), which Node's lenient decoder is not. */

/** The bytes, or in words what is wrong with the text. */
export function decodeBase64(text: string): Buffer | string {
  const mistake = firstMistake(text)
  // everything before it is ASCII: units are bytes
  if (mistake !== undefined) return `illegal base64 data at input byte ${mistake}`
  return Buffer.from(text.replace(/[\r\n]/g, ''), 'base64')
}

/** Where other ESC implementations give up: they read four digits at a time. */
function firstMistake(text: string): number | undefined {
  let digits = 0
  for (let at = skipBreaks(text, 0); at < text.length; at = skipBreaks(text, at + 1)) {
    if (text[at] === '=') return afterPadding(text, at, digits % 4)
    if (!/[A-Za-z0-9+/]/.test(text[at]!)) return at
    digits += 1
  }
  return digits % 4 === 0 ? undefined : text.length - (digits % 4)
}

/** What is wrong from the first padding on, which follows so many digits of four. */
function afterPadding(text: string, first: number, digits: number): number | undefined {
  if (digits < 2) return first
  let last = first
  if (digits === 2) {
    last = skipBreaks(text, first + 1)
    if (last === text.length) return last
    if (text[last] !== '=') return last - 1
  }
  const rest = skipBreaks(text, last + 1)
  return rest < text.length ? rest : undefined
}

function skipBreaks(text: string, from: number): number {
  let at = from
  while (text[at] === '\n' || text[at] === '\r') at += 1
  return at
}
