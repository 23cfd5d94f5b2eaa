/** The shape of the input `database.connector`, as people write it. Property names are those of existing ESC definitions. */
import type { JSONSchema } from '../../model/json-schema.ts'
import { AWS_LOGIN } from '../aws-iam/schema.ts'

export const CONNECTOR: JSONSchema = {
  type: 'object',
  description:
    'How a database in another network is reached; leave it out to connect directly from the worker.',
  properties: {
    awsLambda: {
      type: 'object',
      description:
        'A connector function in AWS Lambda: the one of Rekey, or one that is deployed for ESC already.',
      properties: {
        login: {
          ...AWS_LOGIN,
          description:
            'Whoever may invoke the function: the outputs of fn::open::aws-login. Resolved only while rotating.',
        },
        lambdaArn: {
          type: 'string',
          minLength: 1,
          description: 'The ARN of the function, with a version or an alias if one is meant.',
          examples: ['arn:aws:lambda:eu-central-1:123456789012:function:rekey-connector'],
        },
      },
      required: ['login', 'lambdaArn'],
      rotateOnly: ['login'],
    },
  },
}
