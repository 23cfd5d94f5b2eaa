/** The database whose users are rotated: their definitions, and the rotator's own calls without Rekey around them. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { PostgresServer } from '../embedded/postgres.ts'
import { postgres as rotator } from '../rotators/postgres.ts'
import type { PostgresCredential, PostgresInputs } from '../rotators/postgres/schema.ts'
import type { RotatorContext, RotatorState } from '../rotators/rotator.ts'

export interface Place {
  host: string
  port: number
}

/** Two users that both log in: what a path has after its second rotation. */
export type Pair = { current: PostgresCredential; previous: PostgresCredential }

export interface Target {
  /** Definition of the environment `bench/logins`, which holds the managing user. */
  logins: string
  pairs(count: number): Promise<Pair[]>
  /** Definition with one `fn::rotate::postgres` per pair, at the paths `p0`, `p1`, …; at the address given. */
  definition(pairs: readonly Pair[], place?: Place): string
  /** The calls that a rotation makes at the target, with nothing between them, and the state after it. */
  rotateBare(pair: Pair): Promise<Pair>
}

const DATABASE = 'app'
const MANAGER = 'manager'

export async function createTarget(server: PostgresServer): Promise<Target> {
  const password = randomUUID()
  await server.createDatabase(DATABASE)
  await run(server, [`create role ${MANAGER} login createrole password '${password}'`])
  const managing = { username: MANAGER, password }
  const inputsOf = ({ current, previous }: Pair, { host, port }: Place): PostgresInputs => {
    const [username1, username2] = [current.username, previous.username].sort() as [string, string]
    return {
      database: { host, port, database: DATABASE, managingUser: managing },
      rotateUsers: { username1, username2 },
    }
  }
  let made = 0

  return {
    logins: `values:\n  postgres:\n${indent(credentialText(managing), 4)}`,
    pairs: async (count) => {
      const pairs = Array.from({ length: count }, () => {
        made += 1
        const user = (slot: string) => ({ username: `user_${made}_${slot}`, password: randomUUID() })
        return { current: user('a'), previous: user('b') }
      })
      const users = pairs.flatMap(({ current, previous }) => [current, previous])
      await run(server, [
        ...users.map((user) => `create role ${user.username} login password '${user.password}'`),
        ...users.map((user) => `grant ${user.username} to ${MANAGER} with admin option`),
      ])
      return pairs
    },
    definition: (pairs, place = server) =>
      `values:\n${pairs.map((pair, at) => callText(`p${at}`, pair, place)).join('')}`,
    rotateBare: async (pair) => {
      const inputs = inputsOf(pair, server)
      const state: RotatorState<PostgresCredential> = pair
      await works(inputs, pair.current)
      await works(inputs, pair.previous)
      const prepared = await rotator.prepare(inputs, state, context())
      const current = await rotator.apply(inputs, prepared, context())
      await works(inputs, current)
      await works(inputs, pair.current)
      return { current, previous: pair.current }
    },
  }

  function callText(key: string, pair: Pair, place: Place): string {
    const { username1, username2 } = inputsOf(pair, place).rotateUsers
    return `  ${key}:
    fn::rotate::postgres:
      inputs:
        database:
          host: ${place.host}
          port: ${place.port}
          database: ${DATABASE}
          managingUser: \${environments.bench.logins.postgres}
        rotateUsers:
          username1: ${username1}
          username2: ${username2}
      state:
        current:
${indent(credentialText(pair.current), 10)}
        previous:
${indent(credentialText(pair.previous), 10)}
`
  }
}

function credentialText({ username, password }: PostgresCredential): string {
  return `username: ${username}\npassword:\n  fn::secret: ${password}`
}

function indent(text: string, by: number): string {
  return text.replace(/^/gm, ' '.repeat(by))
}

function context(): RotatorContext {
  const signal = new AbortController().signal
  return { signal, changeTimeout: 5_000, sendBy: Date.now() + 5_000, timeout: 10_000 }
}

async function works(inputs: PostgresInputs, credential: PostgresCredential): Promise<void> {
  const answer = await rotator.test(inputs, credential, context())
  if (answer !== 'works') throw new Error(`${credential.username} does not log in: nothing was measured`)
}

async function run(server: PostgresServer, statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: server.url(DATABASE) })
  await client.connect()
  try {
    await client.query(statements.join(';'))
  } finally {
    await client.end()
  }
}
