/** `fn::open::aws-login`: credentials of AWS, for whatever acts there: a key that is written down, or a role's, for a token. */
import { RotationFailure } from '../../model/failures.ts'
import { AWS_LOGIN, type AwsLogin } from '../aws-iam/schema.ts'
import { credentialsOf } from '../aws-iam/user.ts'
import { assumeRole } from './aws-login/assume-role.ts'
import { AWS_LOGIN_INPUTS, type AwsLoginInputs } from './aws-login/schema.ts'
import { sessionRequest } from './aws-login/session-request.ts'
import type { Login } from './login.ts'

export const awsLogin: Login<AwsLoginInputs, AwsLogin> = {
  name: 'aws-login',
  title: 'AWS',
  inputs: AWS_LOGIN_INPUTS,
  outputs: AWS_LOGIN,

  async open(inputs, context) {
    if (inputs.static !== undefined && inputs.oidc !== undefined)
      throw new RotationFailure('INPUT_INVALID', 'aws-login takes either oidc or static, not both')
    if (inputs.static !== undefined) return { outputs: credentialsOf(inputs.static, 'static') }
    if (inputs.oidc === undefined)
      throw new RotationFailure(
        'INPUT_INVALID',
        'aws-login needs oidc: { roleArn, sessionName } or static: { accessKeyId, secretAccessKey }',
      )
    const request = sessionRequest(inputs.oidc)
    const { subjectAttributes } = request
    const identity = await context.identity(subjectAttributes ? { subjectAttributes } : {})
    return await assumeRole(request, identity, context)
  },
}
