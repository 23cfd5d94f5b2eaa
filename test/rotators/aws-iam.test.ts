/** The rotator `aws-iam` under the contract, on moto with IAM enforcement. */
import { randomBytes } from 'node:crypto'
import { awsIam } from '../../rotators/aws-iam.ts'
import type { AccessKey, AwsIamInputs, PreparedKey } from '../../rotators/aws-iam/schema.ts'
import { awsTarget } from '../support/aws.ts'
import { contractSuite } from './contract.ts'
import type { Fixture } from './contract/bench.ts'

async function setup(): Promise<Fixture<AwsIamInputs, AccessKey, PreparedKey>> {
  const target = await awsTarget({ path: '/services/app/' })
  const inputs = { ...target.inputs, keysOnlyByRekey: true }
  const wrong = { ...inputs.login, secretAccessKey: randomBytes(30).toString('base64') }
  const powerless = await target.loginFor(['iam:GetUser'])
  return {
    inputs,
    address: target.address,
    via: (address) => ({ ...target.via(address), keysOnlyByRekey: true }),
    wrongManager: { ...inputs, login: wrong },
    powerless: { ...inputs, login: powerless },
    logsIn: (key) => target.logsIn(key),
    snapshot: () => target.keys(),
    changeByHand: ({ accessKeyId }) => target.deleteKey(accessKeyId),
    secrets: [inputs.login, wrong, powerless].map(({ secretAccessKey }) => secretAccessKey),
    dispose: () => target.dispose(),
  }
}

contractSuite({ rotator: awsIam, setup, secretOf: (key) => key.secretAccessKey })
