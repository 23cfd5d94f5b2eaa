/**
 * The `pg` client, made safe for servers that are not trusted: what the server demanded is observed, a password is
 * never given in clear without verified TLS, no message can throw into the process, and nothing of the process
 * environment (PGOPTIONS, PGPASSWORD, a password file) gets in.
 */
import { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { Client, Connection } from 'pg'
import type { ClientConfig } from 'pg'
import { RotationFailure } from '../../model/failures.ts'
import type { Route } from './route.ts'
import type { PostgresCredential } from './schema.ts'

/** More would let a false server keep the worker busy. */
const MAX_SCRAM_ITERATIONS = 1_000_000

/** What the server has done about the password so far. */
export interface Demand {
  /** How it asked for it; undefined as long as it has not (`trust` never does). */
  method: 'clear' | 'md5' | 'scram' | undefined
  /** With SCRAM, true once the driver has checked the server's own signature. */
  signed: boolean
}

export interface Driver {
  client: Client
  demand: Demand
  /** Of the backend, as whoever answered the log-in told it. */
  readonly processId: number | null
  /** Says goodbye and lets go of the sockets; at once when `hard`. */
  close(hard: boolean): void
}

// What the driver has and its typings leave out.
interface Wire {
  stream: Socket
  attachListeners(stream: unknown): void
  emit(event: string, error: Error): boolean
  on(event: string, listener: () => void): this
  end(): void
}

const BaseConnection = Connection as unknown as new (config: { stream: Socket; ssl: unknown }) => Wire

/** All that a server may begin with: authentication, an error, a notice, a protocol version. */
const FIRST_BYTES = Buffer.from('REvN')

/**
 * The parser throws on messages it does not know, which inside a socket's listener would end the process; and it waits
 * for gigabytes when another protocol's text looks like a length.
 */
class GuardedConnection extends BaseConnection {
  override attachListeners(stream: Socket): void {
    let begun = false
    const on = (event: string, listener: (...values: unknown[]) => void) =>
      stream.on(event, (...values: unknown[]) => {
        try {
          if (!begun && Buffer.isBuffer(values[0]) && !FIRST_BYTES.includes(values[0][0]!))
            throw new Error('not PostgreSQL')
          begun = true
          listener(...values)
        } catch {
          this.emit('error', new Error('unreadable answer'))
          stream.destroy()
        }
      })
    super.attachListeners({ on })
  }
}

function tlsOptions(route: Route): ConnectionOptions {
  const { sslmode, ca } = route
  // As in libpq: with an authority at hand, `require` checks against it.
  const verified = sslmode.startsWith('verify') || (sslmode === 'require' && ca !== undefined)
  return {
    rejectUnauthorized: verified,
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  }
}

export function createDriver(route: Route, encrypted: boolean, login: PostgresCredential): Driver {
  const demand: Demand = { method: undefined, signed: false }
  const socket = new Socket()
  const ssl = encrypted ? tlsOptions(route) : false
  const wire = new GuardedConnection({ stream: socket, ssl })
  // Registered before the driver's own listeners, hence run before it asks for the password.
  wire.on('authenticationCleartextPassword', () => (demand.method = 'clear'))
  wire.on('authenticationMD5Password', () => (demand.method = 'md5'))
  wire.on('authenticationSASL', () => (demand.method = 'scram'))
  const password = (): string => {
    if (demand.method === 'clear' && !(encrypted && route.sslmode.startsWith('verify'))) {
      throw new RotationFailure(
        'INPUT_INVALID',
        `${route.host}:${route.port} asks for the password in clear; set database.sslmode to verify-full, or use scram-sha-256 in its pg_hba.conf`,
      )
    }
    return login.password
  }
  const config: ClientConfig & { connection: unknown; scramMaxIterations: number } = {
    host: route.host,
    port: route.port,
    database: route.database,
    user: login.username,
    password,
    ssl,
    sslnegotiation: 'postgres',
    application_name: 'rekey',
    client_encoding: 'UTF8',
    connection: wire,
    scramMaxIterations: MAX_SCRAM_ITERATIONS,
  }
  const client = new Client(config)
  const fromEnvironment = (client as unknown as { connectionParameters: Record<string, unknown> })
    .connectionParameters
  for (const name of ['options', 'replication']) fromEnvironment[name] = undefined
  // The driver reports a wrong signature as an error of the connection, before it reports success.
  wire.on('authenticationSASLFinal', () => (demand.signed = true))
  client.on('error', () => {})
  return {
    client,
    demand,
    get processId() {
      return (client as unknown as { processID: number | null }).processID
    },
    close(hard) {
      if (!hard) wire.end()
      if (hard) wire.stream.destroy()
      else wire.stream.destroySoon()
      // TLS sits on top of the socket; a peer that reads nothing must not keep either alive.
      setTimeout(() => socket.destroy(), hard ? 0 : 1000).unref()
    },
  }
}
