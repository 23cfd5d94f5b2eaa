/** What docs/rotators/aws-iam.md says beside the schemas of the rotator. */
import type { RotatorNotes } from './notes.ts'

const POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'RotateAccessKeys',
      Effect: 'Allow',
      Action: [
        'iam:ListAccessKeys',
        'iam:CreateAccessKey',
        'iam:DeleteAccessKey',
        'iam:GetAccessKeyLastUsed',
      ],
      Resource: 'arn:aws:iam::123456789012:user/services/app',
    },
    {
      Sid: 'RehearseIt',
      Effect: 'Allow',
      Action: ['iam:SimulatePrincipalPolicy'],
      Resource: 'arn:aws:iam::123456789012:user/rekey',
    },
  ],
}

export const awsIamNotes: RotatorNotes = {
  how: [
    'AWS allows two access keys per user, and makes them up itself. So the new one is made first, and the one before the present one goes only when ' +
      'there is no room otherwise:',
    [
      '1. `current` is tried at STS. If it is refused, somebody removed it, and the rotation ends as `TARGET_CHANGED`.',
      '2. The keys of the user are listed and written down.',
      '3. A new key is made. Only when AWS says that there is no room, `previous` is deleted, after that was written down, and the key is made again.',
      '4. The new key must be accepted five times in a row within a minute, since AWS takes 10 to 15 seconds until all of it knows a key. Then it is ' +
        'published as `current`; the one before is `previous` and keeps working until the next rotation.',
    ].join('\n'),
    'Rekey deletes only keys that an answer of AWS gave to it, or that a person gave as state. A key that somebody else made for the same user is ' +
      'never touched; when it takes the place that a new one needs, the rotation ends as `KEY_LIMIT` and names it, with its age and its last use.',
  ],
  setup: [
    {
      about:
        'The policy of whoever manages the keys, with the ARN of the user whose keys are rotated, path included. `iam:GetAccessKeyLastUsed` may be ' +
        'left out: it only makes messages tell when a key that is in the way was last used. So may the second statement, with the ARN of Rekey’s own user, or of the role that it assumes: ' +
        'by it a dry run asks AWS whether the first one allows what a rotation will do. The rotated user itself needs no permission for this: trying ' +
        'a key asks `sts:GetCallerIdentity`, which is always allowed.',
      language: 'json',
      text: JSON.stringify(POLICY, null, 2),
    },
    {
      about:
        'With the AWS command line, as an administrator of the account: a user for Rekey with this policy, saved as `policy.json`, and the key that goes ' +
        'into the first environment below.',
      language: 'sh',
      text: `aws iam create-user --user-name rekey
aws iam put-user-policy --user-name rekey --policy-name rotate-app --policy-document file://policy.json
aws iam create-access-key --user-name rekey`,
    },
  ],
  example: [
    {
      environment: 'logins/aws',
      about: 'The login that manages the keys, in an environment that few people may open:',
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
      about: 'The access key, in the environment of the application:',
      yaml: `values:
  key:
    fn::rotate::aws-iam:
      inputs:
        region: eu-central-1
        login: \${environments.logins.aws.aws}
        userArn: arn:aws:iam::123456789012:user/services/app
  environmentVariables:
    AWS_REGION: eu-central-1
    AWS_ACCESS_KEY_ID: \${key.current.accessKeyId}
    AWS_SECRET_ACCESS_KEY: \${key.current.secretAccessKey}
`,
    },
  ],
  more: [
    {
      heading: 'Policies made for other rotators',
      text: [
        'A policy of five actions that was written for the rotator of Pulumi ESC (`iam:ListAccessKeys`, `iam:CreateAccessKey`, `iam:DeleteAccessKey`, ' +
          '`iam:GetUser`, `iam:TagUser`) works as it is: nothing has to be changed to move over. Rekey calls neither of the last two, so the policy above ' +
          'leaves them out: that there is no such user is what `iam:ListAccessKeys` answers too, and Rekey labels nothing. Instead it asks for ' +
          '`iam:GetAccessKeyLastUsed`; without that, messages about a key that is in the way say “last use not known”.',
      ],
    },
    {
      heading: 'Who else makes keys',
      text: [
        'If nobody but Rekey makes access keys for this user, say so with `keysOnlyByRekey: true`. Then a rotation whose answer from AWS was lost is ' +
          'settled without a person: the key that appeared meanwhile is deleted and made anew. Leave it out where people or other programs make keys too.',
      ],
    },
    {
      heading: 'Users that have keys already',
      text: [
        'With one key, the first rotation makes the second; give the present key as `state.current` to have it tested before, or leave the state out and ' +
          'delete it by hand once nobody uses it. With two keys, there is no room: delete the one that is not used, or hand it over as `state.previous`, ' +
          'and the next rotation deletes it.',
      ],
    },
    {
      heading: 'Other endpoints',
      text: [
        'The standard variables of the AWS SDK hold for the worker: `AWS_ENDPOINT_URL`, or `AWS_ENDPOINT_URL_IAM` and `AWS_ENDPOINT_URL_STS`. The partition ' +
          '(`aws`, `aws-cn`, `aws-us-gov`) is taken from the ARN.',
      ],
    },
  ],
  failures: {
    TARGET_UNREACHABLE:
      'The worker does not reach AWS, its clock is wrong, or `AWS_ENDPOINT_URL` leads elsewhere. It is tried again for `REKEY_TARGET_BUDGET`.',
    TARGET_THROTTLED:
      'AWS asks to slow down, or is busy with another change of this user. Its own hint when to come back is followed.',
    TARGET_TIMEOUT: 'AWS did not answer in time.',
    LOGIN_FAILED: 'AWS refuses the key of the login. Put a valid one into the environment that holds it.',
    TARGET_DENIED:
      'An action is missing in the policy of the login; the message names it. Mind the path in the ARN of the user.',
    TARGET_NOT_FOUND:
      'There is no such user in the account of the login. Check `userArn`, its account and its path.',
    TARGET_CHANGED:
      'AWS refuses the published `current`: it was deleted or made inactive by hand. Make it active again, or put a key that works into the state.',
    KEY_LIMIT:
      'The user has two keys, and those in the way are not known to be Rekey’s. The message names them with age and last use. Delete one that nobody ' +
      'uses, or hand it over as `state.previous`.',
    OUTCOME_UNKNOWN:
      'The answer of AWS was lost and there is a key that may or may not be ours. With `keysOnlyByRekey: true` the next rotation removes it by itself; ' +
      'otherwise decide: delete it if nobody uses it, and rotate again.',
    VERIFY_FAILED:
      'The new key was not accepted within a minute. It is kept, not published, and the next rotation tries it first.',
    TARGET_TAKEN: 'Another environment or path rotates the keys of this user.',
    INPUT_INVALID: '`userArn` is not the ARN of an IAM user, or the login is the very user that is rotated.',
  },
}
