/** What docs/rotators/parcels.md says beside the schemas of the rotator. */
import type { RotatorNotes } from '../../../../docs/rotator-notes/notes.ts'

export const parcelsNotes: RotatorNotes = {
  how: [
    'An account of the parcel service has two tokens, `a` and `b`. A rotation sets the one that is not `current` to a new value, asks the service with it, and ' +
      'publishes it; the other keeps working until the next rotation.',
  ],
  setup: [
    {
      about:
        'As the owner of the account: a managing token for Rekey, with the right `tokens:write` and no other.',
      language: 'sh',
      text: 'parcels tokens create --account shop --right tokens:write',
    },
  ],
  example: [
    {
      environment: 'logins/parcels',
      about: 'The managing token, in an environment that few people may open:',
      yaml: `values:
  managing:
    fn::secret: the-managing-token
`,
    },
    {
      environment: 'shop/parcels',
      about: 'The token, in the environment of the application:',
      yaml: `values:
  parcels:
    fn::rotate::parcels:
      inputs:
        url: https://api.parcels.example.com
        account: shop
        managingToken: \${environments.logins.parcels.managing}
  environmentVariables:
    PARCELS_TOKEN: \${parcels.current.token}
`,
    },
  ],
  failures: {
    TARGET_UNREACHABLE:
      'The worker does not reach the service, or something else answers there. Check `url`.',
    TARGET_THROTTLED: 'The service asks to slow down.',
    TARGET_TIMEOUT: 'The service did not answer in time, or the clocks of the worker and the service differ.',
    LOGIN_FAILED: 'The service does not know the managing token. Put a valid one into its environment.',
    TARGET_DENIED: 'The managing token lacks the right `tokens:write`.',
    TARGET_REJECTED_VALUE: 'The service refused three generated tokens by its own rules.',
    TARGET_NOT_FOUND: 'There is no such account. Check `account`.',
    TARGET_TAKEN: 'Another environment or path rotates the tokens of this account.',
    TARGET_CHANGED:
      'A published token does not work any more: somebody set it. Put the one that works into the state.',
    VERIFY_FAILED: 'The token was set, and the service does not know it, or takes it for another one.',
    OUTCOME_UNKNOWN: 'The answer was lost. The next rotation tests the token first and goes on from there.',
    INPUT_INVALID: '`url` is no https address, or `account` no name of an account.',
  },
}
