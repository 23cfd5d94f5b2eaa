/** Which passwords the inputs allow: reads the inputs, refuses what no password can fulfil, makes none. */
import { RotationFailure } from '../../model/failures.ts'
import type { Rules } from './draw.ts'
import { LENGTH, SPECIAL, type PasswordInputs } from './schema.ts'

const KINDS = [
  { use: 'lower', least: 'minLower', characters: 'abcdefghijklmnopqrstuvwxyz' },
  { use: 'upper', least: 'minUpper', characters: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' },
  { use: 'numeric', least: 'minNumeric', characters: '0123456789' },
  { use: 'special', least: 'minSpecial', characters: '' },
] as const

/** @throws RotationFailure INPUT_INVALID, for inputs that are not known yet too */
export function rulesOf(inputs: Partial<PasswordInputs>): Rules {
  const given: Partial<Record<string, unknown>> = inputs
  const length = wholeNumber(given, 'length', LENGTH.usual)
  if (length < LENGTH.shortest || length > LENGTH.longest)
    throw invalid(`length must be from ${LENGTH.shortest} to ${LENGTH.longest}`)
  const taken = new Set<string>()
  const kinds: Rules['kinds'] = []
  for (const { use, least, characters } of KINDS) {
    const minimum = wholeNumber(given, least, 0)
    if (!isOn(given, use)) {
      if (minimum > 0)
        throw invalid(`${least} asks for ${minimum}, and ${use} is false: nothing fulfils both`)
      continue
    }
    const all = use === 'special' ? specialOf(given) : Array.from(characters)
    // A letter among the special characters stays a letter: each character is of one kind, and as likely as the others.
    const own = [...new Set(all)].filter((character) => !taken.has(character))
    for (const character of own) taken.add(character)
    if (own.length === 0 && minimum > 0)
      throw invalid(
        `${least} asks for ${minimum}, and overrideSpecial has only characters that are letters or digits`,
      )
    if (own.length > 0) kinds.push({ characters: own, minimum })
  }
  if (kinds.length === 0)
    throw invalid('lower, upper, numeric and special are all false: there is no character to choose')
  const needed = kinds.reduce((sum, { minimum }) => sum + minimum, 0)
  if (needed > length)
    throw invalid(
      `minLower, minUpper, minNumeric and minSpecial ask for ${needed} characters, and length is ${length}`,
    )
  if (allowsOneOnly(kinds, length - needed))
    throw invalid('only one password fulfils this: there is nothing to change it to')
  return { length, kinds }
}

/** True where each place can only hold the same character. */
function allowsOneOnly(kinds: Rules['kinds'], free: number): boolean {
  const used = free > 0 ? kinds : kinds.filter(({ minimum }) => minimum > 0)
  return used.length === 1 && used[0]!.characters.length === 1
}

function specialOf(given: Partial<Record<string, unknown>>): string[] {
  const text = given['overrideSpecial'] ?? ''
  if (typeof text !== 'string') throw invalid('overrideSpecial must be a text')
  // No control characters, no halves of a character: they do not survive a file, a header or a shell.
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) throw invalid('overrideSpecial must hold printable characters')
  return Array.from(text === '' ? SPECIAL : text)
}

function isOn(given: Partial<Record<string, unknown>>, name: string): boolean {
  const value = given[name] ?? true
  if (typeof value === 'boolean') return value
  throw invalid(`${name} must be true or false`)
}

function wholeNumber(given: Partial<Record<string, unknown>>, name: string, usual: number): number {
  const value = given[name] ?? usual
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  throw invalid(`${name} must be a whole number`)
}

function invalid(words: string): RotationFailure {
  return new RotationFailure('INPUT_INVALID', words)
}
