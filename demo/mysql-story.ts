/** The chapter about MySQL: two users of a MariaDB take turns; each claim is checked at the server itself. Left out where there is none. */
import { chmod, mkdir } from 'node:fs/promises'
import { createConnection } from 'mysql2/promise'
import { findMariadb, mariadbAdmin, startMariadb } from '../test/support/mariadb.ts'
import { make, openAll, succeeds } from './commands.ts'
import type { Stage } from './stage.ts'
import type { Login } from './target.ts'
import type { Teller } from './teller.ts'

interface State {
  current: Login
  previous?: Login
}

const ENVIRONMENT = 'shop/reviews'
const MANAGER: Login = { username: 'reviews_manager', password: 'typed-in-by-hand-twice' }
const ACCOUNTS = ['reviews_a@127.0.0.%', 'reviews_b@127.0.0.%']

/** The secrets that it saw, which must be nowhere in clear. */
export async function rotateMysqlUser({
  teller,
  stage,
  signal,
}: {
  teller: Teller
  stage: Stage
  signal: AbortSignal
}): Promise<string[]> {
  const { check, say } = teller
  teller.chapter('A user of MySQL or MariaDB')
  if (!findMariadb('mariadbd')) {
    say(
      '(There is no MariaDB on this machine: apt-get install mariadb-server, and this chapter is told as well.)',
    )
    return []
  }
  const folder = `${stage.folder}/reviews`
  await mkdir(folder)
  await chmod(folder, 0o711)
  const server = await startMariadb({ folder, signal })
  try {
    const quoted = ACCOUNTS.map((account) => `'${account.replace('@', `'@'`)}'`)
    const statements = [
      'CREATE DATABASE reviews',
      `CREATE USER '${MANAGER.username}'@'%' IDENTIFIED BY '${MANAGER.password}'`,
      `GRANT CREATE USER ON *.* TO '${MANAGER.username}'@'%'`,
      `GRANT SELECT ON mysql.* TO '${MANAGER.username}'@'%'`,
      ...quoted.map((account) => `CREATE USER ${account} IDENTIFIED BY 'never-used'`),
      ...quoted.map((account) => `GRANT SELECT, INSERT ON reviews.* TO ${account}`),
    ]
    say(
      `A MariaDB is at ${server.host}:${server.port}. Its accounts have a name and the hosts that they may come from:`,
    )
    for (const sql of statements) teller.show(`${sql.replace(/BY '.*'/, "BY '…'")};`)
    await mariadbAdmin(server, statements)
    const logsIn = ({ username: user, password }: Login) => whoIs({ ...server, user, password })
    const definition = definitionFor(server)
    teller.show(definition.replace(MANAGER.password, '(typed once)'))
    await make(stage, teller, ENVIRONMENT, definition)
    await succeeds(stage.rekey(['env', 'rotate', ENVIRONMENT]), teller)
    await succeeds(stage.rekey(['env', 'rotate', ENVIRONMENT]), teller)
    const { current, previous } = (await openAll(stage, ENVIRONMENT))['database'] as State
    check(`${current.username} logs in, as ${ACCOUNTS[1]}`, (await logsIn(current)) === ACCOUNTS[1])
    check('the one before still logs in', previous !== undefined && (await logsIn(previous)) === ACCOUNTS[0])
    const initial = { ...current, password: 'never-used' }
    check('the password it had before is refused', (await logsIn(initial)) === undefined)
    return [MANAGER.password, current.password, previous?.password ?? ''].filter(
      (password) => password !== '',
    )
  } finally {
    await server.stop()
  }
}

function definitionFor({ host, port }: { host: string; port: number }): string {
  return `values:
  database:
    fn::rotate::mysql:
      inputs:
        database:
          host: ${host}
          port: ${port}
          database: reviews
          managingUser:
            username: ${MANAGER.username}
            password:
              fn::secret: ${MANAGER.password}
        rotateUsers:
          username1: ${ACCOUNTS[0]}
          username2: ${ACCOUNTS[1]}
`
}

/** The account that the server says one is; undefined when it refuses the password. */
async function whoIs(login: {
  host: string
  port: number
  user: string
  password: string
}): Promise<string | undefined> {
  const { host, port, user, password } = login
  try {
    const connection = await createConnection({ host, port, user, password, database: 'reviews' })
    const [rows] = await connection.query('SELECT CURRENT_USER() AS name')
    await connection.end()
    return (rows as { name: string }[])[0]?.name
  } catch (error) {
    if ((error as { errno?: number }).errno === 1045) return undefined
    throw error
  }
}
