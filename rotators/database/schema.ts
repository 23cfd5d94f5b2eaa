/**
 * The shapes that rotators of database users share, as people write them: inputs, credential, state. Property names are
 * those of existing ESC definitions and must not change. Shapes only; what they mean is decided in `route.ts`.
 */
import type { JSONSchema } from '../../model/json-schema.ts'
import { CONNECTOR } from '../connectors/schema.ts'

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

export interface DatabaseCredential {
  username: string
  password: string
}

export interface DatabaseInputs {
  /** How a database in another network is reached; absent for direct connections. See `connectors/`. */
  connector?: unknown
  database: string
  host: string
  /** 1 to 65535, as a number or its decimal digits; the usual one of the product where absent. */
  port?: number | string
  /** Unknown, hence absent, while an environment is merely opened. */
  managingUser?: DatabaseCredential
  sslmode?: SslMode
  /** One or more certificates in PEM that replace the well-known authorities. */
  ca?: string
}

export interface DatabaseUserInputs {
  database: DatabaseInputs
  rotateUsers: { username1: string; username2: string }
}

const login = (description: string): JSONSchema => ({
  type: 'object',
  description,
  properties: {
    username: { type: 'string', minLength: 1, description: 'The name of the database user.' },
    password: { type: 'string', secret: true, description: "The database user's password." },
  },
  required: ['username', 'password'],
})

/** @param words what differs between the products */
export function databaseUserInputs(words: {
  defaultPort: number
  /** How a name may be written, after what it is. */
  userName?: string
  userNames: string[]
}): JSONSchema {
  const userName = (description: string): JSONSchema => ({
    type: 'string',
    minLength: 1,
    description: [description, words.userName].filter(Boolean).join(' '),
    examples: words.userNames,
  })
  return {
    type: 'object',
    properties: {
      database: {
        type: 'object',
        description: 'Where the database is and who manages its users.',
        properties: {
          connector: CONNECTOR,
          database: { type: 'string', minLength: 1, description: 'The name of the database to log in to.' },
          host: { type: 'string', minLength: 1, description: 'Host name or address of the server.' },
          port: {
            anyOf: [
              { type: 'number', minimum: 1, maximum: 65535, multipleOf: 1 },
              { type: 'string', pattern: '^[0-9]{1,5}$' },
            ],
            description: 'TCP port of the server.',
            default: words.defaultPort,
          },
          managingUser: login('The user that changes the passwords. Resolved only while rotating.'),
          sslmode: {
            type: 'string',
            enum: [...SSL_MODES],
            description: 'As in libpq. Default: verify-full; disable for a server on the loopback interface.',
          },
          ca: {
            type: 'string',
            description: 'Certificate authorities (PEM) to trust instead of the well-known ones.',
          },
        },
        required: ['database', 'host', 'managingUser'],
        rotateOnly: ['managingUser'],
      },
      rotateUsers: {
        type: 'object',
        description: 'The two users that take turns.',
        properties: {
          username1: userName('The user that is rotated first.'),
          username2: userName('The user that is rotated second.'),
        },
        required: ['username1', 'username2'],
      },
    },
    required: ['database', 'rotateUsers'],
  }
}

/** Of the state and of what opening yields: they are the same. */
export const DATABASE_STATE: JSONSchema = {
  type: 'object',
  properties: {
    current: login('The newest credential.'),
    previous: login('The one before, valid until the next rotation; absent until there were two.'),
  },
  required: ['current'],
}
