/**
 * The inputs of the rotator `password`, as its users write them. Names, defaults and limits are those of existing ESC
 * definitions and must not change. Shapes only; what they mean is decided in `rules.ts`.
 */
import type { JSONSchema } from '../../model/json-schema.ts'

export interface PasswordInputs {
  length?: number
  lower?: boolean
  upper?: boolean
  numeric?: boolean
  special?: boolean
  minLower?: number
  minUpper?: number
  minNumeric?: number
  minSpecial?: number
  overrideSpecial?: string
}

export const LENGTH = { shortest: 8, longest: 100, usual: 16 }
export const SPECIAL = '!@#$%&*()-_=+[]{}<>:?'

const isUsed = (what: string): JSONSchema => ({
  type: 'boolean',
  default: true,
  description: `Whether ${what} are used.`,
})

const atLeast = (what: string): JSONSchema => ({
  type: 'number',
  minimum: 0,
  maximum: LENGTH.longest,
  multipleOf: 1,
  default: 0,
  description: `How many ${what} there are at least.`,
})

export const PASSWORD_INPUTS: JSONSchema = {
  type: 'object',
  properties: {
    length: {
      type: 'number',
      minimum: LENGTH.shortest,
      maximum: LENGTH.longest,
      multipleOf: 1,
      default: LENGTH.usual,
      description: 'How many characters a password has.',
    },
    lower: isUsed('lower-case letters (a to z)'),
    upper: isUsed('upper-case letters (A to Z)'),
    numeric: isUsed('digits'),
    special: isUsed('special characters'),
    minLower: atLeast('lower-case letters'),
    minUpper: atLeast('upper-case letters'),
    minNumeric: atLeast('digits'),
    minSpecial: atLeast('special characters'),
    overrideSpecial: {
      type: 'string',
      maxLength: 200,
      default: SPECIAL,
      description: 'The special characters to choose from; the default also where this is empty.',
      examples: ['_-.'],
    },
  },
}
