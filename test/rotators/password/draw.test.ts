/** Texts by rules: every text that the rules allow has exactly one number, so a number drawn evenly is a text drawn evenly. */
import { describe, expect, test } from 'vitest'
import { countTexts, drawBelow, textAt, type Rules } from '../../../rotators/password/draw.ts'

const kinds = (...given: [characters: string, minimum: number][]): Rules['kinds'] =>
  given.map(([characters, minimum]) => ({ characters: Array.from(characters), minimum }))

/** Every text of all characters, and of them those that keep the rules: asked in another way than they are made. */
function allowedBy({ length, kinds }: Rules): string[] {
  const alphabet = kinds.flatMap(({ characters }) => characters)
  let texts: string[] = ['']
  for (let place = 0; place < length; place += 1)
    texts = texts.flatMap((text) => alphabet.map((character) => text + character))
  return texts.filter((text) =>
    kinds.every(
      ({ characters, minimum }) =>
        Array.from(text).filter((character) => characters.includes(character)).length >= minimum,
    ),
  )
}

describe('exhaustively, each number is another allowed text, and none is left out', () => {
  test.each<[string, Rules]>([
    ['one kind', { length: 4, kinds: kinds(['abc', 0]) }],
    ['one character', { length: 5, kinds: kinds(['a', 2]) }],
    ['two kinds without a minimum', { length: 4, kinds: kinds(['ab', 0], ['01', 0]) }],
    ['a minimum of one kind', { length: 5, kinds: kinds(['ab', 2], ['0', 0]) }],
    ['a minimum of every kind', { length: 5, kinds: kinds(['ab', 1], ['XY', 2], ['01', 1]) }],
    ['no place left over', { length: 4, kinds: kinds(['ab', 1], ['XYZ', 3]) }],
    ['four kinds of different sizes', { length: 5, kinds: kinds(['a', 0], ['XY', 1], ['0', 1], ['!?', 0]) }],
    ['characters of more than one unit', { length: 3, kinds: kinds(['ä€', 1], ['😀x', 1]) }],
  ])('%s', (_name, rules) => {
    const expected = allowedBy(rules)
    expect(countTexts(rules)).toBe(BigInt(expected.length))
    const texts = expected.map((_, number) => textAt(rules, BigInt(number)))
    expect(texts.toSorted()).toEqual(expected.toSorted())
  })
})

test('the longest password by the strictest rules keeps them, first and last number included', () => {
  const rules = { length: 100, kinds: kinds(['abcdefghij', 20], ['KLMNOPQRST', 30], ['0123456789', 50]) }
  const count = countTexts(rules)
  for (const number of [0n, 1n, count / 2n, count - 1n]) {
    const text = textAt(rules, number)
    expect(text).toHaveLength(100)
    const has = (kind: RegExp) => [...text.matchAll(kind)].length
    expect([has(/[a-z]/g), has(/[A-Z]/g), has(/\d/g)]).toEqual([20, 30, 50])
  }
  expect(textAt(rules, 0n)).not.toBe(textAt(rules, 1n))
})

describe('a number below a bound', () => {
  /** Hands out these bytes, and says when there are none left. */
  const from = (...given: number[]) => {
    const left = [...given]
    return { left, bytes: (count: number) => Buffer.from(left.splice(0, count)) }
  }

  test.each([1n, 2n, 3n, 5n, 128n, 200n, 255n, 256n])(
    'every byte gives the byte itself, or is thrown away: %d',
    (bound) => {
      const tally = new Map<bigint, number>()
      for (let byte = 0; byte < 256; byte += 1) {
        // What is thrown away is followed by a zero, which is always below.
        const { left, bytes } = from(byte, 0)
        const drawn = drawBelow(bound, bytes)
        if (left.length === 1) tally.set(drawn, (tally.get(drawn) ?? 0) + 1)
      }
      const counts = new Set(tally.values())
      expect(tally.size).toBe(Number(bound))
      expect(counts.size).toBe(1)
    },
  )

  test('takes as many bytes as the bound is long, and never gives the bound itself', () => {
    expect(drawBelow(65_536n, from(0x12, 0x34).bytes)).toBe(0x1234n)
    expect(drawBelow(65_537n, from(0xff, 0xff, 0xff, 0x01, 0x00, 0x00).bytes)).toBe(65_536n)
    expect(drawBelow(65_536n, from(0xff, 0xff).bytes)).toBe(65_535n)
    const bound = 1n << 640n
    for (let time = 0; time < 50; time += 1) expect(drawBelow(bound)).toBeLessThan(bound)
  })
})
