/** Decimal texts as binary floating-point numbers with 64 bits of mantissa: as exact as ESC compares numbers. */

export interface BinaryFloat {
  negative: boolean
  /** 64 bits; the number is `mantissa * 2 ** exponent`. Zero has no bits at all. */
  mantissa: bigint
  exponent: bigint
}

const BITS = 64n
/** Decimal exponents beyond are taken for this one: their sign is all that a comparison needs. */
const MAX_EXPONENT = 10_000

/** Undefined for infinities and what is no number. */
export function binaryFloat(text: string): BinaryFloat | undefined {
  const match = /^([-+]?)(\d*)(?:\.(\d*))?(?:e([-+]?\d+))?$/i.exec(text)
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match
  const digits = BigInt(`0${whole}${fraction}`)
  const exponent = Number(exponentText) - fraction.length
  const scale = 10n ** BigInt(Math.min(Math.abs(exponent), MAX_EXPONENT))
  const rounded = exponent < 0 ? quotient(digits, scale) : quotient(digits * scale, 1n)
  return { negative: sign === '-', ...rounded }
}

/** Rounded to the nearest, ties to even. */
function quotient(numerator: bigint, denominator: bigint): Pick<BinaryFloat, 'mantissa' | 'exponent'> {
  if (numerator === 0n) return { mantissa: 0n, exponent: 0n }
  // 65 or 66 bits and whether anything is left: enough to round once
  const shift = BITS + 1n - bitLength(numerator) + bitLength(denominator)
  const dividend = shift > 0n ? numerator << shift : numerator
  const divisor = shift < 0n ? denominator << -shift : denominator
  const bits = dividend / divisor
  const excess = bitLength(bits) - BITS
  const half = 1n << (excess - 1n)
  const rest = bits & ((1n << excess) - 1n)
  let mantissa = bits >> excess
  const isTie = rest === half && dividend % divisor === 0n
  if (rest > half || (rest === half && !isTie) || (isTie && (mantissa & 1n) === 1n)) mantissa += 1n
  return { mantissa, exponent: excess - shift }
}

function bitLength(value: bigint): bigint {
  return BigInt(value.toString(16).length * 4 - Math.clz32(parseInt(value.toString(16)[0]!, 16)) + 28)
}

/** Negative, zero or positive, as for sorting. */
export function compareFloats(a: BinaryFloat, b: BinaryFloat): number {
  const exponent = a.exponent < b.exponent ? a.exponent : b.exponent
  const difference = signed(a, exponent) - signed(b, exponent)
  return difference === 0n ? 0 : difference < 0n ? -1 : 1
}

function signed({ negative, mantissa, exponent }: BinaryFloat, base: bigint): bigint {
  const magnitude = mantissa << (exponent - base)
  return negative ? -magnitude : magnitude
}

/** True when the rounded quotient is an integer. */
export function isMultiple(value: BinaryFloat, of: BinaryFloat): boolean {
  if (of.mantissa === 0n) return false
  if (value.mantissa === 0n) return true
  const { mantissa, exponent: relative } = quotient(value.mantissa, of.mantissa)
  const exponent = relative + value.exponent - of.exponent
  return exponent >= 0n || (-exponent < BITS && (mantissa & ((1n << -exponent) - 1n)) === 0n)
}
