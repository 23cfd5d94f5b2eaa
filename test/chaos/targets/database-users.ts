/** Two database users to rotate behind a wire, and a third that is nobody's business: what all kinds of databases have in common. */
import { randomUUID } from 'node:crypto'
import type { DatabaseCredential } from '../../../rotators/database/schema.ts'
import { startWire } from '../wire.ts'
import { now, type ChaosTarget, type Conversation, type Ground, type Seen } from './target.ts'

export interface Logins {
  managing: DatabaseCredential
  /** Take turns. */
  rotated: [DatabaseCredential, DatabaseCredential]
  bystander: DatabaseCredential
}

/** One server of one product. */
export interface Database {
  /** The rotator's name. */
  kind: string
  host: string
  port: number
  /** To log in to. */
  database: string
  /** How a user stands in what Rekey claims. */
  claimed(username: string): string
  create(logins: Logins): Promise<void>
  /** A person does it, past the wire. */
  set(credential: DatabaseCredential): Promise<void>
  /** What the server keeps of their passwords, in order of the names. */
  stored(usernames: string[]): Promise<{ name: string; value: string }[]>
  isOf(value: string, password: string): boolean
  /** @throws when that cannot be told */
  logsIn(credential: DatabaseCredential): Promise<boolean>
  converse(log: Seen[], target: string): Conversation
}

export async function databaseUsers(ground: Ground, server: Database, name: string): Promise<ChaosTarget> {
  const login = (role: string) => ({ username: `${name}_${role}`, password: randomUUID() })
  const logins: Logins = {
    managing: login('manager'),
    rotated: [login('a'), login('b')],
    bystander: login('other'),
  }
  await server.create(logins)
  const wire = await startWire({
    target: server,
    converse: () => server.converse(ground.seen, name),
    struck: (fault) => ground.struck(fault.name),
  })
  const { managing, bystander } = logins
  const users = logins.rotated.map(({ username }) => username)
  const madeByPeople: DatabaseCredential[] = [...logins.rotated]
  const isStored = (credential: unknown, username: string | null, value: string | null) => {
    const is = (credential ?? {}) as Partial<DatabaseCredential>
    return is.username === username && is.password !== undefined && server.isOf(value ?? '', is.password)
  }
  return {
    kind: server.kind,
    name,
    claims: users
      .map((user) => `${server.kind}://localhost:${wire.port}/${encodeURIComponent(server.claimed(user))}`)
      .sort(),
    wire,
    handedOver: users,
    yaml: (key) => `  ${key}:
    fn::rotate::${server.kind}:
      inputs:
        database:
          host: ${wire.host}
          port: ${wire.port}
          database: ${server.database}
          managingUser:
            username: ${managing.username}
            password: { fn::secret: ${managing.password} }
        rotateUsers: { username1: ${users[0]}, username2: ${users[1]} }
`,
    identity: (credential) => (credential as DatabaseCredential).username,
    works: (credential) => server.logsIn(credential as DatabaseCredential),
    holdings: async () =>
      (await server.stored(users)).map((row) => ({
        identity: row.name,
        foreign: madeByPeople.some((made) => isStored(made, row.name, row.value)),
        is: (credential) => isStored(credential, row.name, row.value),
      })),
    says: (seen, row) =>
      [row.prepared, row.credential].some((said) => isStored(said, seen.identity, seen.value)),
    bystanders: async () => JSON.stringify(await server.stored([managing.username, bystander.username])),
    ofOnesOwn: (username) => ({ username, password: randomUUID() }),
    setByHand: async (credential) => {
      const { username, password } = credential as DatabaseCredential
      madeByPeople.push({ username, password })
      await server.set({ username, password })
    },
    secrets: [managing, ...logins.rotated].map(({ password }) => password),
    secretsOf: (credential) => [(credential as DatabaseCredential).password],
  }
}

/** Somebody was let in, just now. */
export function loggedIn(target: string, identity: string): Seen {
  const at = now()
  return { target, what: 'login', at, deliveredAt: at, identity, value: null, effectiveAt: at }
}

/** A password is on its way. */
export function sending(target: string, identity: string, value: string): Seen {
  return { target, what: 'set', at: now(), deliveredAt: null, identity, value, effectiveAt: null }
}
