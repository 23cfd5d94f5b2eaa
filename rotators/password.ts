/**
 * `fn::rotate::password`: a random text by rules, for whatever reads it from the environment. Nothing outside is told;
 * the rules are in `password/rules.ts`, the choice in `password/draw.ts`.
 */
import { generatedRotator } from './generated/generated-rotator.ts'
import { countTexts, drawBelow, textAt } from './password/draw.ts'
import { rulesOf } from './password/rules.ts'
import { PASSWORD_INPUTS, type PasswordInputs } from './password/schema.ts'

export const password = generatedRotator<PasswordInputs>({
  name: 'password',
  title: 'Random passwords',
  noun: 'password',
  inputs: PASSWORD_INPUTS,
  check: rulesOf,
  bits: (inputs) => log2(countTexts(rulesOf(inputs))),
  generate(inputs) {
    const rules = rulesOf(inputs)
    return textAt(rules, drawBelow(countTexts(rules)))
  },
})

/** Of numbers that are too large for a double, too. */
function log2(count: bigint): number {
  const tooLong = Math.max(0, count.toString(2).length - 53)
  return tooLong + Math.log2(Number(count >> BigInt(tooLong)))
}
