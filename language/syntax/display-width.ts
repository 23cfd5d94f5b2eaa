/** How wide texts are shown, and where in bytes that is: what other ESC implementations count columns by. */

export interface Cluster {
  /** UTF-16 units. */
  length: number
  /** UTF-8 bytes. */
  bytes: number
  /** Columns: 2 for East Asian wide characters and emoji, 0 for what is not shown. */
  width: number
}

/** The characters of a text as people see them. */
export function clustersOf(text: string): Cluster[] {
  // only where characters may belong together are they looked at so closely
  if (!COMBINING.test(text)) return Array.from(text, clusterOf)
  return Array.from(segmenter.segment(text), ({ segment }) => clusterOf(segment))
}

/** Columns and bytes before each UTF-16 offset of a text. */
export function extentsOf(text: string): (offset: number) => { columns: number; bytes: number } {
  if (ASCII.test(text)) return (offset) => ({ columns: offset, bytes: offset })
  const extents: { columns: number; bytes: number }[] = []
  let columns = 0
  let bytes = 0
  for (const cluster of clustersOf(text)) {
    for (let unit = 0; unit < cluster.length; unit += 1) extents.push({ columns, bytes })
    columns += cluster.width
    bytes += cluster.bytes
  }
  return (offset) => extents[offset] ?? { columns, bytes }
}

// eslint-disable-next-line no-control-regex
export const ASCII = /^[\0-\x7f]*$/
const COMBINING = /[\p{M}\p{Cf}\p{Emoji_Modifier}\p{RI}\p{Extended_Pictographic}\u1100-\u11ff\r]/u
const INVISIBLE = /^[\p{Cc}\p{Cf}\p{Mn}\p{Me}]/u
const EMOJI = /^(\p{Emoji_Presentation}|\p{RI}\p{RI}|\p{Extended_Pictographic}\ufe0f)/u
const WIDE = new RegExp(
  '^[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\u4dbf\\u4e00-\\ua4cf\\ua960-\\ua97f\\uac00-\\ud7a3\\uf900-\\ufaff' +
    '\\ufe10-\\ufe19\\ufe30-\\ufe6f\\uff01-\\uff60\\uffe0-\\uffe6\\u{1b000}-\\u{1b2ff}\\u{20000}-\\u{3fffd}]',
  'u',
)
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

function clusterOf(text: string): Cluster {
  return { length: text.length, bytes: Buffer.byteLength(text), width: widthOf(text) }
}

function widthOf(cluster: string): number {
  if (ASCII.test(cluster)) return INVISIBLE.test(cluster) ? 0 : 1
  if (INVISIBLE.test(cluster)) return 0
  return EMOJI.test(cluster) || WIDE.test(cluster) ? 2 : 1
}
