/**
 * The inputs of the rotator `passphrase`, as its users write them. Names, defaults and limits are those of existing ESC
 * definitions and must not change. Shapes only.
 */
import type { JSONSchema } from '../../model/json-schema.ts'

export interface PassphraseInputs {
  /** Words. */
  length?: number
  separator?: string
  capitalize?: boolean
}

export const WORDS = { fewest: 3, most: 15, usual: 5 }

export const PASSPHRASE_INPUTS: JSONSchema = {
  type: 'object',
  properties: {
    length: {
      type: 'number',
      minimum: WORDS.fewest,
      maximum: WORDS.most,
      multipleOf: 1,
      default: WORDS.usual,
      description: 'How many words a passphrase has.',
    },
    separator: {
      type: 'string',
      minLength: 1,
      maxLength: 1,
      default: '-',
      description: 'The character between two words.',
    },
    capitalize: {
      type: 'boolean',
      default: false,
      description: 'Whether each word begins with a capital letter.',
    },
  },
}
