/** The shapes of the rotator `parcels`, as its users write them: inputs, credential, state. Shapes only. */
import type { JSONSchema } from '../../../../model/json-schema.ts'

export interface ParcelsInputs {
  url: string
  account: string
  /** Unknown, hence absent, while an environment is merely opened or planned. */
  managingToken?: string
}

export interface ParcelsToken {
  slot: string
  token: string
}

export const PARCELS_INPUTS: JSONSchema = {
  type: 'object',
  properties: {
    url: {
      type: 'string',
      minLength: 1,
      description: 'Where the API of the parcel service is.',
      examples: ['https://api.parcels.example.com'],
    },
    account: { type: 'string', minLength: 1, description: 'The account whose tokens are rotated.' },
    managingToken: {
      type: 'string',
      secret: true,
      description: 'A token that may change the tokens of the account.',
    },
  },
  required: ['url', 'account', 'managingToken'],
  rotateOnly: ['managingToken'],
}

const token = (description: string): JSONSchema => ({
  type: 'object',
  description,
  properties: {
    slot: { type: 'string', description: 'Which of the two tokens it is: `a` or `b`.' },
    token: { type: 'string', secret: true, description: 'The token.' },
  },
  required: ['slot', 'token'],
})

/** Of the state and of what opening yields: they are the same. */
export const PARCELS_STATE: JSONSchema = {
  type: 'object',
  properties: {
    current: token('The newest token.'),
    previous: token('The one before, valid until the next rotation; absent until there were two.'),
  },
  required: ['current'],
}
