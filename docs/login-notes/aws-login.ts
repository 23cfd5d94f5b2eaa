/** What docs/logins/aws-login.md says beside the schemas of the login. */
import type { LoginNotes } from './notes.ts'

export const awsLoginNotes: LoginNotes = {
  how: [
    'Yields `accessKeyId`, `secretAccessKey` and, where there is one, `sessionToken`: what the input `login` of a rotator takes, and what the AWS command ' +
      'line and SDKs read from their variables.',
    'With `static` it yields the access key that is written there and asks nobody: a key that AWS refuses is noticed by whoever uses it. Keep it in an ' +
      'environment of its own, sealed with `fn::secret`, that few people may open; environments that rotate with it refer to it, and whoever opens those ' +
      'neither needs it nor sees it.',
  ],
  setup: [
    {
      about:
        'A user for Rekey and its key, with the AWS command line, as an administrator of the account. What this user may do is said by the page of what ' +
        'uses the login: for access keys that is [aws-iam](../rotators/aws-iam.md).',
      language: 'sh',
      text: `aws iam create-user --user-name rekey
aws iam create-access-key --user-name rekey`,
    },
  ],
  permissions: [],
  example: [
    {
      environment: 'logins/aws',
      about: 'The login, in an environment that few people may open:',
      yaml: `values:
  aws:
    fn::open::aws-login:
      static:
        accessKeyId: AKIAIOSFODNN7EXAMPLE
        secretAccessKey:
          fn::secret: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
`,
    },
    {
      environment: 'billing/aws',
      about:
        'Where it is used, by its path. `login` is rotate-only, so nobody has to open the login to use the key:',
      yaml: `values:
  key:
    fn::rotate::aws-iam:
      inputs:
        region: eu-central-1
        login: \${environments.logins.aws.aws}
        userArn: arn:aws:iam::123456789012:user/services/app
`,
    },
  ],
  failures: {
    INPUT_INVALID:
      'Neither `static` nor another way to log in is given, or a part of the access key is empty or holds a space or a line break.',
  },
}
