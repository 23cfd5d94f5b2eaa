/** The rotator `passphrase` under the contract of values that nothing outside knows, and the words that it draws from. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { passphrase } from '../../rotators/passphrase.ts'
import { WORD_LIST } from '../../rotators/passphrase/words.ts'
import { contractSuite } from './contract.ts'
import { NOTHING_YET, limits } from './contract/bench.ts'

contractSuite({
  rotator: passphrase,
  allowed: [
    { inputs: {}, looksLike: /^[a-z]+(-[a-z]+){4,}$/ },
    {
      inputs: { separator: '%', capitalize: true, length: 4 },
      looksLike: /^[A-Z][a-z-]+(%[A-Z][a-z-]+){3}$/,
    },
    { inputs: { separator: '😀', length: 3 }, looksLike: /^[a-z-]+(😀[a-z-]+){2}$/u },
    { inputs: { separator: ' ', length: 15 }, looksLike: /^[a-z-]+( [a-z-]+){14}$/ },
  ],
  impossible: [
    { length: 2 },
    { length: 16 },
    { length: 4.5 },
    { separator: '' },
    { separator: '--' },
    { separator: '\n' },
  ],
})

describe('the words', () => {
  test('are those of the list of the EFF, whatever the package that brings them', () => {
    expect(createHash('sha256').update(WORD_LIST.join('\n')).digest('hex')).toBe(
      'abae49761b88f3f1ba31ef944bea1f61b795a3cd7e1cfb7d276ed45bf77967ba',
    )
    expect(WORD_LIST.slice(0, 3)).toEqual(['abacus', 'abdomen', 'abdominal'])
  })

  test('are 7776, each once, and none begins another: so every row of words is another phrase, whatever stands between', () => {
    const words = new Set(WORD_LIST)
    expect(words.size).toBe(7776)
    const beginnings = WORD_LIST.flatMap((word) =>
      Array.from({ length: word.length - 1 }, (_, end) => word.slice(0, end + 1)),
    )
    expect(beginnings.filter((beginning) => words.has(beginning))).toEqual([])
  })

  test('are drawn evenly: not further from it than chance goes once in a million times', async () => {
    const counts = new Map<string, number>()
    const draws = 7776 * 15
    for (let phrase = 0; phrase < draws / 15; phrase += 1) {
      const made = await passphrase.prepare({ length: 15, separator: ' ' }, NOTHING_YET, limits())
      for (const word of made.split(' ')) counts.set(word, (counts.get(word) ?? 0) + 1)
    }
    const expected = draws / 7776
    const chiSquare =
      WORD_LIST.reduce((sum, word) => sum + ((counts.get(word) ?? 0) - expected) ** 2, 0) / expected
    // Of 7775 degrees of freedom: mean 7775, standard deviation 124.7; five of them on either side.
    expect(Math.abs(chiSquare - 7775)).toBeLessThan(5 * 124.7)
  })
})
