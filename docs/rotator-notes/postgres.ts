/** What docs/rotators/postgres.md says beside the schemas of the rotator. */
import type { RotatorNotes } from './notes.ts'

export const postgresNotes: RotatorNotes = {
  how: [
    'Two users take turns, so that there is always one whose password nobody touches:',
    [
      '1. `current` logs in. If it does not, somebody changed it by hand, and the rotation ends as `TARGET_CHANGED`.',
      '2. The managing user looks whether the other user exists, may log in and may connect.',
      '3. A new password for the other user is written down, sealed, and then set with `ALTER ROLE`. What is sent is a verifier ' +
        '(SCRAM or md5, as `password_encryption` says), never the password itself.',
      '4. The other user logs in with the new password. Then, and only then, it is published as `current`; the one before is `previous`.',
    ].join('\n'),
    'Applications that read `current` at their start or reload work with either user, since the one before keeps its password until the ' +
      'next rotation. Give both users the same rights: best by a role that owns nothing else and that both are members of.',
  ],
  setup: [
    {
      about:
        'As a superuser of the server, or as whoever may create roles there. Choose the names and the password of `rekey_manager`; its ' +
        'password goes into the first environment below. The two users need no password: the first rotations set them.',
      language: 'sql',
      text: `CREATE ROLE rekey_manager LOGIN CREATEROLE PASSWORD 'choose-a-long-one';
CREATE ROLE app_user_1 LOGIN;
CREATE ROLE app_user_2 LOGIN;

-- From PostgreSQL 16 on, the managing user may change these two and no others.
GRANT app_user_1, app_user_2 TO rekey_manager WITH ADMIN OPTION;

-- Everybody may connect already unless that was revoked from PUBLIC.
GRANT CONNECT ON DATABASE app TO rekey_manager, app_user_1, app_user_2;

-- What both users may do, in one place.
CREATE ROLE app_rights;
GRANT app_rights TO app_user_1, app_user_2;
GRANT USAGE ON SCHEMA public TO app_rights;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_rights;`,
    },
  ],
  example: [
    {
      environment: 'logins/app-database',
      about: 'The managing user, in an environment that few people may open:',
      yaml: `values:
  manager:
    username: rekey_manager
    password:
      fn::secret: choose-a-long-one
`,
    },
    {
      environment: 'billing/production',
      about: 'The credential, in the environment of the application:',
      yaml: `values:
  database:
    fn::rotate::postgres:
      inputs:
        database:
          host: db.example.com
          port: 5432
          database: app
          managingUser: \${environments.logins.app-database.manager}
        rotateUsers:
          username1: app_user_1
          username2: app_user_2
  environmentVariables:
    PGHOST: db.example.com
    PGDATABASE: app
    PGUSER: \${database.current.username}
    PGPASSWORD: \${database.current.password}
`,
    },
  ],
  more: [
    {
      heading: 'TLS',
      text: [
        'The connection is encrypted and the server is checked (`sslmode: verify-full`) unless the definition says otherwise. A server whose ' +
          'certificate is signed by an authority of your own needs that authority in `database.ca`. A server on the loopback interface without ' +
          'TLS needs `sslmode: disable`. Where TLS is not checked, the server is only ever sent proofs of a password, never a password in clear.',
      ],
    },
    {
      heading: 'Poolers',
      text: [
        'Let `database.host` name the server itself. Where only a pooler can be reached, PgBouncer works in its modes `session` and `transaction` if it asks the ' +
          'server for passwords (`auth_query`): the change is one transaction, its limits are `SET LOCAL`, and nothing of it stays on a connection that ' +
          'others get. In mode `statement` a rotation ends as `INPUT_INVALID` and changes nothing.',
        'A pooler that keeps passwords of its own (`userlist.txt`) refuses the new one. That ends as `VERIFY_FAILED` with words that name the pooler; nothing is ' +
          'published, and the new password stays sealed until the next rotation finds that it logs in. A rotation and a dry run that find a pooler warn of it.',
      ],
    },
    {
      heading: 'VALID UNTIL',
      text: [
        'A user that has expired is not rotated (`TARGET_NOT_FOUND`), and one that expires within 30 days is rotated with a warning. Rekey never extends ' +
          '`VALID UNTIL`: who set it decides.',
      ],
    },
    {
      heading: 'Servers that lock users out',
      text: [
        'Only what has to be tried is tried: what is published, before and after the change, and the new password. A wrong password ' +
          'of the managing user is sent once and not again within the rotation. A rotation after which it is in doubt what the server took makes up to ' +
          'three log-ins that may be refused, all as the user that is not `current`.',
      ],
    },
    {
      heading: 'Passwords that exist already',
      text: [
        'An application that is to be taken over without an interruption: give its present user as `state.current` (with `fn::secret` around the ' +
          'password), and a second user of the same rights as the other one. The first rotation then sets the second user.',
      ],
    },
  ],
  failures: {
    TARGET_UNREACHABLE:
      'The worker cannot connect: host, port, firewall; or the certificate is not trusted, the server is a standby, or it is starting. It is the ' +
      'worker that connects, not your machine.',
    TARGET_THROTTLED: 'The server has no free connections, or somebody else changes the same user right now.',
    TARGET_TIMEOUT:
      'The server did not finish in time; often another session holds a lock on the user. Look into `pg_stat_activity`. Or what was sent did not reach it in time.',
    LOGIN_FAILED:
      'The password of the managing user is wrong, or `pg_hba.conf` does not let it in from the worker. Correct the environment that holds it.',
    TARGET_DENIED:
      'A grant is missing; the message has the SQL to run. Usually `CREATEROLE`, from PostgreSQL 16 on `WITH ADMIN OPTION` on both users, or ' +
      '`CONNECT` on the database.',
    TARGET_NOT_FOUND:
      'One of `rotateUsers` does not exist, has `NOLOGIN`, a connection limit of 0, or has passed its `VALID UNTIL`. The message has the SQL to run.',
    TARGET_REJECTED_VALUE:
      'A password check of the server (such as `passwordcheck`) refused three generated passwords. One that wants to see the password itself ' +
      'cannot work with verifiers.',
    TARGET_CHANGED:
      'A published credential does not log in any more: somebody changed its password, took its right to log in, let it expire, or dropped the user. The message says which where that can be told. Undo that, or put ' +
      'the password that works into the state.',
    TARGET_TAKEN:
      'Another environment or path rotates one of these users on the same host and port. Use two users for each path.',
    VERIFY_FAILED:
      'The password was set, but the user could not log in with it; look at `pg_hba.conf` for that user (`trust` proves nothing), and at a pooler that keeps ' +
      'passwords of its own. Nothing was published.',
    OUTCOME_UNKNOWN:
      'The connection broke while the password was being set. The next rotation tests it first and goes on from there.',
    INPUT_INVALID:
      'A user stands twice, the managing user is among those rotated or becomes one of them when it logs in, the database or the connector’s function does not exist, or a pooler in mode ' +
      '`statement` answers.',
  },
}
