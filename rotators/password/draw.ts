/**
 * Texts by rules, numbered: how many there are, and the one with a number. A number that is drawn evenly below the count
 * is a text drawn evenly from all that the rules allow. Holds no rule of its own.
 */
import { randomBytes } from 'node:crypto'

export interface Rules {
  length: number
  /** Disjoint; at least one of them. Their minimums fit into the length. */
  kinds: { characters: string[]; minimum: number }[]
}

/** How many texts the rules allow. */
export function countTexts({ length, kinds }: Rules): bigint {
  return waysToFill(length, kinds)[0]![length]!
}

/**
 * The text with this number, from 0 to below `countTexts`; another one for each number.
 *
 * Kind after kind: how many characters of it there are, at which of the places that are left, and which characters.
 */
export function textAt({ length, kinds }: Rules, number: bigint): string {
  const ways = waysToFill(length, kinds)
  const text: string[] = Array.from({ length })
  let places = Array.from({ length }, (_, place) => place)
  let rest = number
  for (const [index, { characters, minimum }] of kinds.entries()) {
    const size = BigInt(characters.length)
    let count = minimum
    const waysWith = (many: number) =>
      choose(places.length, many) * size ** BigInt(many) * ways[index + 1]![places.length - many]!
    for (; rest >= waysWith(count); count += 1) rest -= waysWith(count)
    const after = ways[index + 1]![places.length - count]!
    const here = rest / after
    rest %= after
    let which = here % size ** BigInt(count)
    const chosen = placesAt(places, count, here / size ** BigInt(count))
    for (const place of chosen) {
      text[place] = characters[Number(which % size)]!
      which /= size
    }
    places = places.filter((place) => !chosen.includes(place))
  }
  return text.join('')
}

/** A number from 0 to below `bound`, each as likely: bytes that are too large are thrown away and drawn again. */
export function drawBelow(bound: bigint, bytes: (count: number) => Buffer = randomBytes): bigint {
  const bits = (bound - 1n).toString(2).length
  for (;;) {
    const drawn = BigInt(`0x${bytes(Math.ceil(bits / 8)).toString('hex')}`) & ((1n << BigInt(bits)) - 1n)
    if (drawn < bound) return drawn
  }
}

/** `[k][m]`: in how many ways the kinds from `k` on fill `m` places. */
function waysToFill(length: number, kinds: Rules['kinds']): bigint[][] {
  const nothing = Array.from({ length: length + 1 }, (_, places) => BigInt(places === 0))
  const ways: bigint[][] = [nothing]
  for (const { characters, minimum } of kinds.toReversed()) {
    const size = BigInt(characters.length)
    const powers = Array.from({ length: length + 1 }, (_, count) => size ** BigInt(count))
    const row = nothing.map((_, places) => {
      let sum = 0n
      for (let count = minimum; count <= places; count += 1)
        sum += choose(places, count) * powers[count]! * ways[0]![places - count]!
      return sum
    })
    ways.unshift(row)
  }
  return ways
}

/** The selection of `count` of these places with a number, in order: of those with the first place, then of the others. */
function placesAt(places: number[], count: number, number: bigint): number[] {
  const chosen: number[] = []
  let rest = number
  for (const [index, place] of places.entries()) {
    const withIt = choose(places.length - index - 1, count - chosen.length - 1)
    if (rest < withIt) chosen.push(place)
    else rest -= withIt
  }
  return chosen
}

const triangle: bigint[][] = [[1n]]

/** How many ways there are to choose `count` of `all`; none of fewer than nothing. */
function choose(all: number, count: number): bigint {
  for (let last = triangle.at(-1)!; triangle.length <= all; last = triangle.at(-1)!)
    triangle.push([...last, 0n].map((ways, index) => ways + (last[index - 1] ?? 0n)))
  return triangle[all]![count] ?? 0n
}
