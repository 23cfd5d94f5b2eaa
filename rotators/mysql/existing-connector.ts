/**
 * What connector functions that are not ours can do with MySQL and MariaDB: give an account of every host a new password, and
 * tell by the number of the server's error how that ended. Their words are read here and go no further.
 */
import type { ExistingWays, Reading } from '../connectors/connector.ts'
import { invalid } from '../database/route.ts'
import { accountsOf, accountText } from './route.ts'

const NUMBERS: [Reading, number[]][] = [
  // Locked, blocked, expired, from the wrong host, by the wrong plugin, without TLS: all but the password.
  ['not let in', [1129, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118, 3159, 3955, 4000, 4150, 4151]],
  ['no login', [1045]],
  ['no such database', [1044, 1049]],
  ['denied', [1142, 1227, 1370]],
  ['no such user', [1396]],
  ['refused value', [1819, 1827, 3638]],
  ['busy', [1040, 1041, 1135, 1203, 1213, 1226, 1461]],
  ['late', [1205, 1317, 1969, 3024]],
  ['read-only', [1290, 1836]],
  ['unreachable', [1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161]],
]

/** Of what has no number: the server was not heard. */
const WORDS: [RegExp, Reading][] = [
  [/requires (mysql|cleartext|old)|authentication plugin|auth plugin|TLS requested|insecure/i, 'not let in'],
  [/context deadline/, 'late'],
  [/dial tcp|connection refused|no such host|no route|timeout|timed out/, 'unreachable'],
  [/\bEOF\b|broken pipe|reset by peer|bad connection|invalid connection/, 'unreachable'],
]

export const mysqlExistingWays: ExistingWays = {
  user(inputs, username) {
    const account = accountsOf(inputs).find(({ name }) => name === username)
    if (account !== undefined && account.host !== '%')
      throw invalid(
        `the connector function changes accounts of every host alone, and ${JSON.stringify(accountText(account))} is another one; deploy Rekey's own connector`,
      )
    return username
  },

  // All or none: a server that checks nobody says so when a user is to be changed.
  mayTrust: false,

  newPassword: ({ password }) => Promise.resolve(password),

  read(message) {
    // A server that checks nobody lets everybody in, which proves nothing.
    if (message.includes('skip-grant')) return 'unclear'
    const number = Number(/\bError (\d{4})\b/.exec(message)?.[1])
    if (number) return NUMBERS.find(([, numbers]) => numbers.includes(number))?.[0] ?? 'unclear'
    return WORDS.find(([pattern]) => pattern.test(message))?.[1] ?? 'unclear'
  },
}
