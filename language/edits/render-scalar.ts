/** Scalars as YAML text that reads back as exactly the same scalar, here and with other YAML readers. */
import type { ScalarStyle } from '../syntax/node.ts'
import { typePlainScalar } from '../syntax/scalar.ts'

// of YAML 1.1, still read so by many
const OLD_BOOLEANS = /^(y|n|yes|no|on|off)$/i
const SAFE = /^[A-Za-z0-9_./$](?:[A-Za-z0-9_./$@%+=~{}: -]*[A-Za-z0-9_./$@%+=~}-])?$/
const NUMBER_LIKE = /^[0-9.][0-9a-fA-F._:xo+-]*$/
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\p{Cs}/u

export function isPlainSafe(text: string, flow: boolean): boolean {
  if (!SAFE.test(text) || text.includes(': ') || NUMBER_LIKE.test(text) || OLD_BOOLEANS.test(text))
    return false
  if (flow && /[{}]|:($|[^:A-Za-z0-9_/])/.test(text)) return false
  return typePlainScalar(text).kind === 'string'
}

/** One line, in the style preferred where that can hold the text. */
export function renderString(text: string, flow: boolean, preferred: ScalarStyle = 'plain'): string {
  const oneLine = !/[\n\t]/.test(text) && !UNPRINTABLE.test(text)
  if (preferred === 'single' && oneLine) return `'${text.replaceAll("'", "''")}'`
  if (preferred !== 'double' && isPlainSafe(text, flow)) return text
  return doubleQuoted(text)
}

export function renderKey(key: string, flow: boolean): string {
  return isPlainSafe(key, flow) && !key.includes(' ') ? key : doubleQuoted(key)
}

function doubleQuoted(text: string): string {
  return JSON.stringify(text).replace(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** True when the text has several lines and a literal block can hold them. */
export function fitsLiteral(text: string): boolean {
  if (!/\n./.test(text) || UNPRINTABLE.test(text)) return false
  return !/^\s/.test(text) && !text.endsWith('\n\n')
}

/** A literal block with its lines at `indent`; the line break after its last line is not included. */
export function literalBlock(text: string, indent: string, eol: string): string {
  const ends = text.endsWith('\n')
  const lines = (ends ? text.slice(0, -1) : text).split('\n')
  return [`|${ends ? '' : '-'}`, ...lines.map((line) => (line === '' ? '' : `${indent}${line}`))].join(eol)
}
