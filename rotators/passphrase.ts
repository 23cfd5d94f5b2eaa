/**
 * `fn::rotate::passphrase`: random words, for what people have to type. Nothing outside is told. Each word is drawn evenly
 * from 7776, and no two rows of words make the same phrase: no word begins another.
 */
import { randomInt } from 'node:crypto'
import { RotationFailure } from '../model/failures.ts'
import { generatedRotator } from './generated/generated-rotator.ts'
import { PASSPHRASE_INPUTS, WORDS, type PassphraseInputs } from './passphrase/schema.ts'
import { WORD_LIST } from './passphrase/words.ts'

export const passphrase = generatedRotator<PassphraseInputs>({
  name: 'passphrase',
  title: 'Random passphrases',
  noun: 'passphrase',
  inputs: PASSPHRASE_INPUTS,
  check: formOf,
  bits: (inputs) => formOf(inputs).length * Math.log2(WORD_LIST.length),
  generate(inputs) {
    const { length, separator, capitalize } = formOf(inputs)
    const words = Array.from({ length }, () => WORD_LIST[randomInt(WORD_LIST.length)]!)
    return words.map((word) => (capitalize ? capitalized(word) : word)).join(separator)
  },
})

/** @throws RotationFailure INPUT_INVALID, for inputs that are not known yet too */
function formOf(inputs: Partial<PassphraseInputs>): Required<PassphraseInputs> {
  const { length, separator, capitalize }: Partial<Record<keyof PassphraseInputs, unknown>> = inputs
  const words = length ?? WORDS.usual
  if (typeof words !== 'number' || !Number.isInteger(words) || words < WORDS.fewest || words > WORDS.most)
    throw invalid(`length is the number of words: a whole number from ${WORDS.fewest} to ${WORDS.most}`)
  const between = separator ?? '-'
  // No control characters, no halves of a character: they do not survive a file, a header or a shell.
  if (typeof between !== 'string' || !/^[^\p{C}\p{Zl}\p{Zp}]$/u.test(between))
    throw invalid('separator must be one printable character')
  const big = capitalize ?? false
  if (typeof big !== 'boolean') throw invalid('capitalize must be true or false')
  return { length: words, separator: between, capitalize: big }
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function invalid(words: string): RotationFailure {
  return new RotationFailure('INPUT_INVALID', words)
}
