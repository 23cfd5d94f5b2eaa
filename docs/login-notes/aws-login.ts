/** What docs/logins/aws-login.md says beside the schemas of the login. */
import type { LoginNotes } from './notes.ts'

export const awsLoginNotes: LoginNotes = {
  how: [
    'Yields `accessKeyId`, `secretAccessKey` and `sessionToken` (with `static` only where there is one): what the input `login` of a rotator takes, and what ' +
      'the AWS command line and SDKs read from their variables.',
    'With `oidc` no key is kept anywhere. Rekey signs an identity token of five minutes that says which environment asks; STS checks it against the keys that ' +
      'Rekey publishes and against the trust policy of the role, and gives credentials for `duration`. The token leaves Rekey in that one request and is neither ' +
      'stored nor logged. Credentials of the worker itself are never used. A session is shared by all paths of one event, and made anew before it ends. The operator ' +
      'has to set up Rekey as an OpenID provider first: [oidc.md](../operations/oidc.md).',
    'With `static` it yields the access key that is written there and asks nobody: a key that AWS refuses is noticed by whoever uses it. Keep it in an ' +
      'environment of its own, sealed with `fn::secret`, that few people may open; environments that rotate with it refer to it, and whoever opens those ' +
      'neither needs it nor sees it.',
  ],
  setup: [
    {
      about:
        'For `oidc`: tell the account, once, that it may trust this Rekey. The URL is `REKEY_OIDC_ISSUER`, the client id is the audience, `aws:<organization>`.',
      language: 'sh',
      text: 'aws iam create-open-id-connect-provider --url https://rekey.example.com --client-id-list aws:main',
    },
    {
      about:
        'The trust policy of the role, `trust.json`: this audience, and this one environment. The subject names the environment that is opened or rotated; for a whole ' +
        'project use `StringLike` and `billing/*`. Never leave the subject out: every environment of the installation would get the role.',
      language: 'json',
      text: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/rekey.example.com" },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "rekey.example.com:aud": "aws:main",
          "rekey.example.com:sub": "pulumi:environments:org:main:env:billing/aws"
        }
      }
    }
  ]
}`,
    },
    {
      about:
        'The role. What it may do is said by the page of what uses the login: for access keys that is [aws-iam](../rotators/aws-iam.md).',
      language: 'sh',
      text: `aws iam create-role --role-name rekey --assume-role-policy-document file://trust.json
aws iam put-role-policy --role-name rekey --policy-name rotate-keys --policy-document file://policy.json`,
    },
    {
      about:
        'For `static` instead: a user for Rekey and its key, with the AWS command line, as an administrator of the account, and the same policy.',
      language: 'sh',
      text: `aws iam create-user --user-name rekey
aws iam create-access-key --user-name rekey`,
    },
  ],
  permissions: [
    {
      who: 'the identity token',
      grant: 'sts:AssumeRoleWithWebIdentity',
      why: 'in the trust policy of the role, for this audience and subject: to get a session. Not needed with `static`.',
    },
  ],
  example: [
    {
      environment: 'logins/aws',
      about: 'The login, in an environment of its own. It holds no secret:',
      yaml: `values:
  aws:
    fn::open::aws-login:
      oidc:
        roleArn: arn:aws:iam::123456789012:role/rekey
        sessionName: rekey
        duration: 1h
`,
    },
    {
      environment: 'logins/aws-key',
      about: 'Or with an access key, in an environment that few people may open:',
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
  more: [
    {
      heading: 'Who is trusted: the subject',
      text: [
        'Without `subjectAttributes` it is `pulumi:environments:org:<organization>:env:<project>/<environment>` with the environment that is opened or rotated, in the ' +
          'example `billing/aws`, not the one that holds the login. With `subjectAttributes` it is `pulumi:environments:pulumi.organization.login:<organization>`, and ' +
          'behind it `:<attribute>:<value>` for each, in their order:',
        [
          '- `currentEnvironment.name`: the environment that holds the login, `logins/aws`',
          '- `rootEnvironment.name`: the environment that is opened or rotated, `billing/aws`',
          '- `pulumi.user.login`: whose rights count; for a schedule its owner',
          '- `pulumi.organization.login`: the organization',
        ].join('\n'),
        'So `subjectAttributes: [currentEnvironment.name]` gives `pulumi:environments:pulumi.organization.login:main:currentEnvironment.name:logins/aws`: one role for all ' +
          'who may open `logins/aws`.',
        'Never trust `pulumi.user.login` without an environment beside it: whoever may write an environment that this person opens, or has a schedule for, ' +
          'decides what the session is used for.',
        'Definitions of ESC work unchanged; in the trust policies the issuer is another one, and for the project `default`, subject and audience are formed as for any other.',
      ],
    },
    {
      heading: 'How long a session lasts',
      text: [
        '`duration` is written as in `1h` or `1h30m`, from 15 minutes to 12 hours; two hours where it is left out, as with ESC. A role allows one hour unless its maximum ' +
          'session duration was raised, so set `duration: 1h`, or raise it.',
      ],
    },
  ],
  failures: {
    INPUT_INVALID:
      'Neither `oidc` nor `static` is given, or both are; a part of them is malformed, as the words say; or the role allows no session as long as `duration`, or AWS cannot use ' +
      '`policyArns`.',
    LOGIN_FAILED:
      'Rekey is no OpenID provider (`REKEY_OIDC_ISSUER` is not set on this server or worker); or AWS does not take its token: the account has no identity provider of this URL, the ' +
      'provider there does not have the audience as a client id, AWS finds other keys below the issuer, or the clock of the store is wrong.',
    TARGET_DENIED:
      'The role does not exist, or its trust policy does not name this issuer, audience and subject; AWS does not tell these apart. The words hold the subject and audience to trust.',
    TARGET_UNREACHABLE:
      'STS cannot be reached from here, has a fault of its own, or could not fetch the keys from the issuer, which must be open to the internet.',
    TARGET_TIMEOUT: 'STS did not answer within ten seconds.',
    TARGET_THROTTLED: 'AWS asks to slow down: the session is asked for again within the same rotation.',
  },
}
