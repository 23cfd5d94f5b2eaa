/** The environments of the demo, as a person would write them. */
import type { Aws } from './aws.ts'
import type { Target } from './target.ts'

/** Holds the managing login, and is opened only while rotating. */
export function managingDefinition({ manager }: Target): string {
  return `values:
  managing:
    username: ${manager.username}
    password:
      fn::secret: ${manager.password}
`
}

/** One rotated credential for each key: the two users that take turns. */
export function rotatedDefinition(target: Target, calls: Record<string, [string, string]>): string {
  const lines = Object.entries(calls).map(
    ([key, [first, second]]) => `  ${key}:
    fn::rotate::postgres:
      inputs:
        database:
          host: ${target.host}
          port: ${target.port}
          database: ${target.database}
          managingUser: \${environments.shop.managing.managing}
        rotateUsers:
          username1: ${first}
          username2: ${second}
`,
  )
  return `values:\n${lines.join('')}`
}

/** For programs: what `rekey env run` sets. */
export function withVariables(definition: string, key: string): string {
  return `${definition}  environmentVariables:
    PGUSER: \${${key}.current.username}
    PGPASSWORD: \${${key}.current.password}
`
}

/** Who manages access keys. */
export function awsLoginDefinition({ manager }: Aws): string {
  return `values:
  aws:
    fn::open::aws-login:
      static:
        accessKeyId: ${manager.accessKeyId}
        secretAccessKey:
          fn::secret: ${manager.secretAccessKey}
`
}

/** The same without any key: a role, for an identity token of Rekey. */
export function awsRoleDefinition(roleArn: string): string {
  return `values:
  aws:
    fn::open::aws-login:
      oidc:
        roleArn: ${roleArn}
        sessionName: rekey
        duration: 1h
`
}

/** One access key that is rotated. */
export function awsDefinition({ userArn }: Aws): string {
  return `values:
  key:
    fn::rotate::aws-iam:
      inputs:
        login: \${environments.logins.aws.aws}
        userArn: ${userArn}
  environmentVariables:
    AWS_ACCESS_KEY_ID: \${key.current.accessKeyId}
    AWS_SECRET_ACCESS_KEY: \${key.current.secretAccessKey}
`
}
