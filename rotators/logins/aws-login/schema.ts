/** The inputs of `aws-login`, as its users write them. Names are those of existing ESC definitions and must not change. */
import type { JSONSchema } from '../../../model/json-schema.ts'
import { SUBJECT_ATTRIBUTES } from '../../../model/oidc.ts'
import { AWS_LOGIN, type AwsLogin } from '../../aws-iam/schema.ts'

export interface OidcInputs {
  roleArn: string
  sessionName: string
  duration?: string
  policyArns?: string[]
  subjectAttributes?: string[]
  /** Of the STS that is asked; that of the partition's IAM where absent. */
  region?: string
}

export interface AwsLoginInputs {
  static?: AwsLogin
  oidc?: OidcInputs
}

export const AWS_LOGIN_INPUTS: JSONSchema = {
  type: 'object',
  properties: {
    oidc: {
      type: 'object',
      description:
        'A role that is assumed with an identity token of Rekey: no key is kept anywhere. Needs REKEY_OIDC_ISSUER, and a role that trusts it.',
      properties: {
        roleArn: {
          type: 'string',
          minLength: 1,
          description: 'The role to assume.',
          examples: ['arn:aws:iam::123456789012:role/rekey'],
        },
        sessionName: {
          type: 'string',
          minLength: 2,
          maxLength: 64,
          pattern: '^[A-Za-z0-9_+=,.@-]*$',
          description:
            'What AWS calls the session in its own logs: 2 to 64 letters, digits and any of _+=,.@-',
          examples: ['rekey'],
        },
        duration: {
          type: 'string',
          default: '2h',
          description:
            'How long the session lasts, as in 1h or 1h30m: 15 minutes to 12 hours, and no longer than the role allows, which is 1h unless it was raised.',
          examples: ['1h'],
        },
        policyArns: {
          type: 'array',
          items: { type: 'string' },
          maxItems: 10,
          description: 'Managed policies that narrow down what the session may do; at most 10.',
        },
        subjectAttributes: {
          type: 'array',
          items: { type: 'string', enum: [...SUBJECT_ATTRIBUTES] },
          minItems: 1,
          description:
            'What the subject of the token is made of, in this order. Absent: organization and environment.',
          examples: [['currentEnvironment.name']],
        },
        region: {
          type: 'string',
          description: 'The region whose STS is asked. Default: the one of the global endpoint.',
          examples: ['eu-central-1'],
        },
      },
      required: ['roleArn', 'sessionName'],
      // A word that is spelt wrong must not pass for one that narrows down what a session may do, or who gets it.
      additionalProperties: false,
    },
    static: { ...AWS_LOGIN, description: 'An access key as it is.' },
  },
}
