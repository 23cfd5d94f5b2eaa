/** Strict base64 (standard alphabet, padded, line breaks ignored), which Node's lenient decoder is not. */

/** The bytes, or in words what is wrong with the text. */
export function decodeBase64(text: string): Buffer | string {
  const packed = text.replace(/[\r\n]/g, '')
  const wrong = /[^A-Za-z0-9+/=]/.exec(packed)?.index ?? firstMisplacedPadding(packed)
  if (wrong !== undefined) return `illegal base64 data at input byte ${originalOffset(text, wrong)}`
  return Buffer.from(packed, 'base64')
}

function firstMisplacedPadding(packed: string): number | undefined {
  const padding = packed.indexOf('=')
  const digits = padding < 0 ? packed.length : padding
  const missing = (4 - (digits % 4)) % 4
  if (missing === 3) return packed.length
  const expected = digits + missing
  if (packed.length === expected && /^=*$/.test(packed.slice(digits))) return undefined
  return Math.min(packed.length, expected)
}

function originalOffset(text: string, packedOffset: number): number {
  let seen = 0
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\r' || text[at] === '\n') continue
    if (seen === packedOffset) return Buffer.byteLength(text.slice(0, at))
    seen += 1
  }
  return Buffer.byteLength(text)
}
