/** What docs/rotators/mysql.md says beside the schemas of the rotator. */
import type { RotatorNotes } from './notes.ts'

export const mysqlNotes: RotatorNotes = {
  how: [
    'Two users take turns, so that there is always one whose password nobody touches:',
    [
      '1. `current` logs in. If it does not, somebody changed it by hand, and the rotation ends as `TARGET_CHANGED`.',
      '2. The managing user looks whether the other user exists, is not locked and logs in with a password that the server keeps.',
      '3. A new password for the other user is written down, sealed, and then set with `ALTER USER`, in a session that the server itself ends when ' +
        'it takes too long. The plugin by which the user logs in stays what it is.',
      '4. The other user logs in with the new password, and the server says that it is that very account. Then, and only then, it is published as ' +
        '`current`; the one before is `previous`.',
    ].join('\n'),
    'Applications that read `current` at their start or reload work with either user, since the one before keeps its password until the ' +
      'next rotation. Give both users the same rights: best by a role that both have by default. `rekey env rotate --plan` compares them.',
    'Made for MySQL 8.0 to 9 and MariaDB from 10.6 on.',
  ],
  setup: [
    {
      about:
        'As an administrator of the server. Choose the names and the passwords; the password of `rekey_manager` goes into the first environment ' +
        'below, those of the two users nowhere: the first rotations replace them.',
      language: 'sql',
      text: `CREATE USER 'rekey_manager'@'%' IDENTIFIED BY 'choose-a-long-one';
CREATE USER 'app_user_1'@'%' IDENTIFIED BY 'choose-another-long-one';
CREATE USER 'app_user_2'@'%' IDENTIFIED BY 'and-a-third-one';

-- To change passwords, and to see how users log in and what they may do.
GRANT CREATE USER ON *.* TO 'rekey_manager'@'%';
GRANT SELECT ON mysql.* TO 'rekey_manager'@'%';

-- What both users may do.
GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO 'app_user_1'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO 'app_user_2'@'%';`,
    },
  ],
  example: [
    {
      environment: 'logins/app-mysql',
      about: 'The managing user, in an environment that few people may open:',
      yaml: `values:
  manager:
    username: rekey_manager
    password:
      fn::secret: choose-a-long-one
`,
    },
    {
      environment: 'shop/production',
      about: 'The credential, in the environment of the application:',
      yaml: `values:
  database:
    fn::rotate::mysql:
      inputs:
        database:
          host: mysql.example.com
          port: 3306
          database: app
          managingUser: \${environments.logins.app-mysql.manager}
        rotateUsers:
          username1: app_user_1
          username2: app_user_2
  environmentVariables:
    MYSQL_HOST: mysql.example.com
    MYSQL_DATABASE: app
    MYSQL_USER: \${database.current.username}
    MYSQL_PWD: \${database.current.password}
`,
    },
  ],
  more: [
    {
      heading: 'Users and their hosts',
      text: [
        "An account of these servers is a name and the hosts that it may come from: `'app'@'10.%'` and `'app'@'%'` are two accounts with two passwords. " +
          'Write the host part after an @, without quotes: `username1: app_user_1@10.%`. Without one it is `%`. If a name itself holds an @, ' +
          'write the host part in any case: `app@corp@%`. What is published as `username` is the name that one logs in with, without the host part.',
        'The worker must be among those hosts, since it logs in with each new password. Both users need different names: whoever logs in says a name ' +
          'only, and the server chooses the account by where he comes from.',
      ],
    },
    {
      heading: 'Privileges of the managing user',
      text: [
        '`CREATE USER` alone is enough to rotate. Without `SELECT` on `mysql.*` Rekey cannot see whether a user is locked and how it logs in, cannot compare ' +
          'the two users, and on MariaDB a user with another plugin than `mysql_native_password` is given that one, since MariaDB does so with each new ' +
          'password that comes without a plugin. Whoever has `CREATE USER` can set any password anyway, so reading `mysql.*` lets him do little more.',
      ],
    },
    {
      heading: 'TLS',
      text: [
        'The connection is encrypted and the server is checked (`sslmode: verify-full`) unless the definition says otherwise. A server whose ' +
          'certificate is signed by an authority of your own needs that authority in `database.ca`. A server on the loopback interface is spoken to ' +
          'without TLS (`sslmode: disable`). Where the server was not checked it is never sent a password itself: not by `mysql_clear_password`, not under a key ' +
          'of its own (`caching_sha2_password`, `sha256_password`), and not in an `ALTER USER`.',
      ],
    },
    {
      heading: 'Passwords in the logs of the server',
      text: [
        'On MariaDB, which writes statements into its general log as they are, Rekey sends what the server would store (for `mysql_native_password` and ' +
          '`ed25519`), not the password. With a plugin that checks passwords (`simple_password_check`, `cracklib_password_check`) it has to send the ' +
          'password; switch the general log off there, or let `server_audit` write instead, which hides passwords.',
        'MySQL hides passwords in its logs itself, unless it was started with `--log-raw`: leave that off.',
      ],
    },
    {
      heading: 'Passwords that expire',
      text: [
        'A new password lives as long as `PASSWORD EXPIRE INTERVAL` of the user or `default_password_lifetime` of the server says: schedule rotations more ' +
          'often, since a `current` that has expired does not log in, and then a person has to act. An expired password of the user whose turn ' +
          'it is does no harm: it is replaced.',
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
      'The worker cannot connect: host, port, firewall; the server is read-only (a replica), is starting, cannot write, or has blocked the address of the worker; or a proxy does not reach it. It is ' +
      'the worker that connects, not your machine.',
    TARGET_THROTTLED:
      'The server has no free connections, for everybody or for this user (`max_user_connections`), or another session of Rekey changes the same user.',
    TARGET_TIMEOUT:
      'The server did not finish in time; often another session holds a lock (`FLUSH TABLES WITH READ LOCK`, a backup). Look into `SHOW PROCESSLIST`: ' +
      'a session of the managing user that is still at an earlier change has to end (`KILL`) before anything is done to that user.',
    LOGIN_FAILED:
      'The password of the managing user is wrong, it is locked, expired or blocked, or it may not come from the address of the worker. Correct the ' +
      'environment that holds it, or the account.',
    TARGET_DENIED:
      'A privilege is missing; the message has the SQL to run. Usually `CREATE USER`, on MySQL `SYSTEM_USER` where the rotated users have it, or any privilege ' +
      'in the database for the rotated user. Or a user has expired, was blocked after failed log-ins, or must come by TLS; one that ' +
      'must show a certificate of its own (`REQUIRE X509`) cannot be rotated: Rekey has none to try a password with.',
    TARGET_NOT_FOUND:
      'One of `rotateUsers` does not exist with that host part, is locked, or does not log in with a password (`unix_socket`, `auth_socket`, PAM). The ' +
      'message has the SQL to run.',
    TARGET_REJECTED_VALUE:
      'A password policy of the server refused three generated passwords. They have 40 characters, capital and small letters, digits and one or more of `-_.`.',
    TARGET_CHANGED:
      'A published credential does not log in any more: somebody changed its password or dropped the user. Undo that, or put the password that works into ' +
      'the state.',
    TARGET_TAKEN:
      'Another environment or path rotates one of these users on the same host and port. Use two users for each path.',
    VERIFY_FAILED:
      'The password was set, but logging in with it proved nothing: an anonymous account or one for other hosts came first, the user does not log in by ' +
      'password, or the server runs with `--skip-grant-tables`. Nothing was published.',
    OUTCOME_UNKNOWN:
      'The connection broke while the password was being set. The next rotation tests it first and goes on from there.',
    INPUT_INVALID:
      'A user stands twice, also at two hosts; the managing user is among those rotated; the database or the connector’s function does not exist; or the certificate of the server is ' +
      'not trusted and the password itself would have to be sent.',
  },
}
