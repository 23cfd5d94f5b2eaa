/** Which passwords the inputs allow, and which inputs allow none. */
import { describe, expect, test } from 'vitest'
import { RotationFailure } from '../../../model/failures.ts'
import { countTexts } from '../../../rotators/password/draw.ts'
import { rulesOf } from '../../../rotators/password/rules.ts'
import type { PasswordInputs } from '../../../rotators/password/schema.ts'

const charactersOf = (inputs: PasswordInputs) =>
  rulesOf(inputs)
    .kinds.map(({ characters }) => characters.join(''))
    .join('')

test('without inputs: sixteen characters of all kinds, none of which must be there', () => {
  const { length, kinds } = rulesOf({})
  expect(length).toBe(16)
  expect(kinds.map(({ minimum }) => minimum)).toEqual([0, 0, 0, 0])
  expect(charactersOf({})).toBe(
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%&*()-_=+[]{}<>:?',
  )
  // 83 characters, as often as there are places.
  expect(countTexts(rulesOf({}))).toBe(83n ** 16n)
})

test('kinds that are off are not used, minimums are kept', () => {
  expect(charactersOf({ upper: false, special: false })).toBe('abcdefghijklmnopqrstuvwxyz0123456789')
  expect(charactersOf({ lower: false, upper: false, numeric: false, overrideSpecial: '.,' })).toBe('.,')
  const { length, kinds } = rulesOf({
    length: 20,
    minLower: 1,
    minUpper: 2,
    minNumeric: 3,
    minSpecial: 4,
  })
  expect({ length, minimums: kinds.map(({ minimum }) => minimum) }).toEqual({
    length: 20,
    minimums: [1, 2, 3, 4],
  })
})

test('special characters: repeated ones count once, letters and digits stay what they are, an empty text is the default', () => {
  expect(charactersOf({ lower: false, upper: false, numeric: false, overrideSpecial: '!!?!' })).toBe('!?')
  expect(rulesOf({ overrideSpecial: 'aB7!', minSpecial: 1 }).kinds.at(-1)).toEqual({
    characters: ['!'],
    minimum: 1,
  })
  // A letter that is no lower-case letter here is a special character like any other.
  expect(rulesOf({ lower: false, overrideSpecial: 'ab', minSpecial: 1 }).kinds.at(-1)?.characters).toEqual([
    'a',
    'b',
  ])
  expect(charactersOf({ overrideSpecial: '' })).toBe(charactersOf({}))
  expect(rulesOf({ overrideSpecial: '€😀' }).kinds.at(-1)?.characters).toEqual(['€', '😀'])
})

test('where two passwords are possible there is something to change', () => {
  expect(countTexts(rulesOf({ length: 8, minLower: 7, minSpecial: 1, overrideSpecial: '!' }))).toBe(
    8n * 26n ** 7n,
  )
  expect(countTexts(rulesOf({ length: 8, minSpecial: 8, overrideSpecial: '!?' }))).toBe(2n ** 8n)
})

describe('what no password can fulfil is refused in words', () => {
  test.each<[Record<string, unknown>, RegExp]>([
    [{ length: 7 }, /length must be from 8 to 100/],
    [{ length: 101 }, /length must be from 8 to 100/],
    [{ length: 16.5 }, /length must be a whole number/],
    [{ length: '16' }, /length must be a whole number/],
    [{ length: Number.NaN }, /length must be a whole number/],
    [{ minUpper: -1 }, /minUpper must be a whole number/],
    [{ minUpper: 17 }, /ask for 17 characters, and length is 16/],
    [
      { length: 8, minLower: 3, minUpper: 3, minNumeric: 2, minSpecial: 1 },
      /ask for 9 characters, and length is 8/,
    ],
    [{ upper: false, minUpper: 2 }, /minUpper asks for 2, and upper is false/],
    [{ special: false, minSpecial: 1 }, /minSpecial asks for 1, and special is false/],
    [{ lower: false, upper: false, numeric: false, special: false }, /no character to choose/],
    [
      { lower: false, upper: false, special: true, overrideSpecial: '12', minSpecial: 1 },
      /only characters that are letters or digits/,
    ],
    [
      { lower: false, upper: false, numeric: false, overrideSpecial: '!!' },
      /only one password.*nothing to change it to/,
    ],
    [{ length: 8, minSpecial: 8, overrideSpecial: '!' }, /only one password/],
    [{ lower: 'yes' }, /lower must be true or false/],
    [{ overrideSpecial: 7 }, /overrideSpecial must be a text/],
    [{ overrideSpecial: '!\n' }, /printable/],
    [{ overrideSpecial: '\ud800' }, /printable/],
    [{ overrideSpecial: '\u2028' }, /printable/],
  ])('%j', (inputs, words) => {
    const refuse = () => rulesOf(inputs as PasswordInputs)
    expect(refuse).toThrow(words)
    expect(refuse).toThrow(RotationFailure)
    expect(refuse).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
  })
})
