/**
 * The shapes of the rotator `aws-iam`, as its users write them: inputs, credential, state. Property names are those of
 * existing ESC definitions and must not change. Shapes only; what they mean is decided in `user.ts` and `keys.ts`.
 */
import type { JSONSchema } from '../../model/json-schema.ts'

export interface AwsLogin {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface AwsIamInputs {
  /** Of the STS endpoint; that of the partition's IAM where absent. */
  region?: string
  /** Unknown, hence absent, while an environment is merely opened. */
  login?: AwsLogin
  userArn: string
  /** Nobody but Rekey makes keys for this user: a key whose making was interrupted may be taken for Rekey's own. */
  keysOnlyByRekey?: boolean
}

export interface AccessKey {
  accessKeyId: string
  secretAccessKey: string
  /** RFC 3339. */
  createdAt?: string
  /** What older definitions call it. */
  createDate?: string
}

/** What is written down before anything is sent: ids only, no secret. */
export interface PreparedKey {
  /** The login that was found to belong to the user's account, and to another user. */
  manager: string
  current: string | null
  previous: string | null
  /** Every key that is none of this rotation's making: listed before it began, or published. */
  seen: string[]
  /** The key to delete before another one is made. */
  remove: string | null
}

/** Of the login's inputs and outputs too: they are the same. */
export const AWS_LOGIN: JSONSchema = {
  type: 'object',
  properties: {
    accessKeyId: { type: 'string', minLength: 1, description: 'The id of the access key.' },
    secretAccessKey: { type: 'string', minLength: 1, secret: true, description: 'Its secret.' },
    sessionToken: { type: 'string', secret: true, description: 'Only with temporary credentials.' },
  },
  required: ['accessKeyId', 'secretAccessKey'],
}

export const AWS_IAM_INPUTS: JSONSchema = {
  type: 'object',
  properties: {
    region: {
      type: 'string',
      description: 'The region whose STS tests the keys. Default: the one of the global IAM endpoint.',
      examples: ['eu-central-1'],
    },
    login: {
      ...AWS_LOGIN,
      description:
        'Whoever manages the keys: the outputs of fn::open::aws-login. Resolved only while rotating.',
    },
    userArn: {
      type: 'string',
      minLength: 1,
      description: 'The IAM user whose access keys are rotated, with its path if it has one.',
      examples: ['arn:aws:iam::123456789012:user/services/app'],
    },
    keysOnlyByRekey: {
      type: 'boolean',
      default: false,
      description:
        'Say true when nobody but Rekey makes access keys for this user. Then a key that was made while an answer got lost is deleted and made anew; otherwise a person decides.',
    },
  },
  required: ['login', 'userArn'],
  rotateOnly: ['login'],
}

const accessKey = (description: string): JSONSchema => ({
  type: 'object',
  description,
  properties: {
    accessKeyId: { type: 'string', minLength: 1, description: 'The id of the access key.' },
    secretAccessKey: { type: 'string', secret: true, description: 'Its secret.' },
    createdAt: { type: 'string', description: 'When AWS made it (RFC 3339).' },
    createDate: { type: 'string', deprecated: true, description: 'The same, as older definitions have it.' },
  },
  required: ['accessKeyId', 'secretAccessKey'],
})

/** Of the state and of what opening yields: they are the same. */
export const AWS_IAM_STATE: JSONSchema = {
  type: 'object',
  properties: {
    current: accessKey('The newest access key.'),
    previous: accessKey('The one before, valid until the next rotation; absent until there were two.'),
  },
  required: ['current'],
}
