/** `fn::open::aws-login`: credentials of AWS, for whatever acts there. So far those that are written down; asks nobody. */
import { RotationFailure } from '../../model/failures.ts'
import type { JSONSchema } from '../../model/json-schema.ts'
import { AWS_LOGIN, type AwsLogin } from '../aws-iam/schema.ts'
import { credentialsOf } from '../aws-iam/user.ts'
import type { Login } from './login.ts'

interface AwsLoginInputs {
  static?: AwsLogin
  oidc?: unknown
}

const INPUTS: JSONSchema = {
  type: 'object',
  properties: {
    static: { ...AWS_LOGIN, description: 'An access key as it is.' },
    oidc: { description: 'Reserved for a role that is assumed without a key; not in this release.' },
  },
}

export const awsLogin: Login<AwsLoginInputs, AwsLogin> = {
  name: 'aws-login',
  title: 'AWS',
  inputs: INPUTS,
  outputs: AWS_LOGIN,

  async open(inputs) {
    if (inputs.oidc !== undefined)
      throw new RotationFailure(
        'INPUT_INVALID',
        'aws-login: oidc comes with a later release; use static with an access key for now',
      )
    if (inputs.static === undefined)
      throw new RotationFailure('INPUT_INVALID', 'aws-login needs static: { accessKeyId, secretAccessKey }')
    return await Promise.resolve({ outputs: credentialsOf(inputs.static, 'static') })
  },
}
