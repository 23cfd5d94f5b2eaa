/** The chapter about AWS: an access key is made, published, replaced and deleted; each claim is checked at AWS itself. */
import { awsDefinition, awsLoginDefinition, awsRoleDefinition } from './definitions.ts'
import type { AccessKey, Aws } from './aws.ts'
import type { Stage } from './stage.ts'
import { make, openAll, succeeds } from './commands.ts'
import type { Teller } from './teller.ts'

interface Keys {
  current: AccessKey
  previous?: AccessKey
}

const ENVIRONMENT = 'shop/uploads'
const LOGIN = 'logins/aws'

/** The secrets that it saw, which must be nowhere in clear. */
export async function rotateAccessKey({
  teller,
  stage,
  aws,
  issuer,
}: {
  teller: Teller
  stage: Stage
  aws: Aws
  issuer: string
}): Promise<string[]> {
  const { check, say } = teller
  const works = async (key: AccessKey) => (await aws.callerOf(key)) === aws.userArn
  const opened = async () => (await openAll(stage, ENVIRONMENT))['key'] as Keys
  teller.chapter('An AWS access key')
  say(`A stand-in for AWS (moto) is at ${aws.endpoint}; worker and demo go there by AWS_ENDPOINT_URL.`)
  say(`Whoever manages the keys may do ${aws.actions.join(', ')}.`)
  const login = awsLoginDefinition(aws)
  teller.show(login.replace(aws.manager.secretAccessKey, '(typed once)'))
  await make(stage, teller, LOGIN, login)
  const definition = awsDefinition(aws)
  teller.show(definition)
  await make(stage, teller, ENVIRONMENT, definition)

  say('A key counts as good when AWS has taken it five times in a row, so each rotation takes some seconds.')
  await succeeds(stage.rekey(['env', 'rotate', ENVIRONMENT]), teller)
  const first = await opened()
  check(`AWS made ${first.current.accessKeyId}, and knows it as ${aws.userArn}`, await works(first.current))
  await succeeds(stage.rekey(['env', 'rotate', ENVIRONMENT]), teller)
  const second = await opened()
  check('the second key works', await works(second.current))
  check(
    'the first one is previous, and still works',
    second.previous?.accessKeyId === first.current.accessKeyId && (await works(first.current)),
  )
  say(
    'AWS allows two keys. The third rotation deletes the first one, since nobody else may need it any more:',
  )
  await succeeds(stage.rekey(['env', 'rotate', ENVIRONMENT]), teller)
  const third = await opened()
  check(
    'the third key and the second one work',
    (await works(third.current)) && (await works(second.current)),
  )
  check('the first one is refused', !(await works(first.current)))
  const held = [second, third].map(({ current }) => current.accessKeyId)
  check(
    'AWS lists those two keys and no other',
    (await aws.keyIds()).toSorted().join() === held.toSorted().join(),
  )

  say('The same without any key of the manager. The account is told to trust Rekey as an OpenID provider:')
  const roleArn = await aws.trust(issuer)
  say(`(create-open-id-connect-provider for ${issuer}, and a role for the environments of the project shop)`)
  await aws.deleteManagerKey()
  const role = awsRoleDefinition(roleArn)
  teller.show(role)
  await stage.write('aws.yaml', role)
  await succeeds(stage.rekey(['env', 'edit', LOGIN, '-f', 'aws.yaml']), teller)
  await succeeds(stage.rekey(['env', 'rotate', ENVIRONMENT]), teller)
  const fourth = await opened()
  check(
    'AWS checked a token of Rekey, gave it the role for one session, and the fourth key works',
    aws.subjects().join() === `pulumi:environments:org:main:env:${ENVIRONMENT}` &&
      (await works(fourth.current)),
    aws.subjects().join(),
  )
  check('the manager has no key any more', (await aws.callerOf(aws.manager)) === undefined)
  return [aws.manager, ...[first, second, third, fourth].map(({ current }) => current)].map(
    ({ secretAccessKey }) => secretAccessKey,
  )
}
