/** Numbers as text: what a YAML scalar's digits become, and whether two texts are the same number. */

const MAX_UINT64 = 2n ** 64n - 1n
const MIN_INT64 = -(2n ** 63n)

/** The normalised text of a plain scalar that is a number, or undefined when it is not one. */
export function yamlNumberText(source: string): string | undefined {
  if (!/^[-+.0-9]/.test(source)) return undefined
  return integerText(source.replaceAll('_', '')) ?? plainFloatText(source)
}

function integerText(source: string): string | undefined {
  const match = /^([-+]?)(0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|0[0-7]+|0|[1-9][0-9]*)$/i.exec(source)
  if (!match) return undefined
  const digits = match[2]!
  const legacyOctal = /^0[0-7]+$/.test(digits)
  const magnitude = BigInt(legacyOctal ? `0o${digits.slice(1)}` : digits.toLowerCase())
  const value = match[1] === '-' ? -magnitude : magnitude
  if (value > MAX_UINT64 || value < MIN_INT64) return undefined
  return value.toString()
}

/** True where the text is an integer that 64 bits hold. */
export function isIntegerText(source: string): boolean {
  return integerText(source.replaceAll('_', '')) !== undefined
}

/** The text of a number as a float: large integers in exponent form. */
export function floatText(number: string): string {
  return /^[-+]?(Inf|NaN)$/.test(number) ? number : shortestText(Number(number))
}

function plainFloatText(source: string): string | undefined {
  if (/^[-+]?\.(inf|Inf|INF)$/.test(source)) return source.startsWith('-') ? '-Inf' : '+Inf'
  if (/^\.(nan|NaN|NAN)$/.test(source)) return 'NaN'
  // what starts with a point has no underscores
  const digits = source.startsWith('.') ? source : source.replaceAll('_', '')
  if (!/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(digits)) return undefined
  const value = Number(digits)
  return Number.isFinite(value) ? shortestText(value) : undefined
}

/** Shortest digits that read back as the same double; exponent form below 1e-4 and from 1e6 on. */
export function shortestText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string]
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 6) {
    const sign = exponent < 0 ? '-' : '+'
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  return value.toString()
}
