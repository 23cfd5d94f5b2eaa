/**
 * The `mysql2` client, made safe for servers that are not trusted: TLS is checked against the host that was named, no
 * message can throw into the process, no file is ever handed over, and only ways of logging in that we know are taken.
 */
import { isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { createConnection } from 'mysql2'
import type { Connection, ConnectionOptions, RowDataPacket } from 'mysql2'
import { RotationFailure } from '../../model/failures.ts'
import { isVerified, proofs } from './authentication.ts'
import type { Route } from './route.ts'
import type { MysqlCredential } from './schema.ts'

/** What a server, the network or TLS reported; its text goes no further than `failures.ts`. */
export interface Reported {
  /** The number of a server's error. */
  errno?: number
  code?: string
  message?: string
}

/** The driver's own code for a server without TLS. */
export const NO_TLS = 'HANDSHAKE_NO_SSL_SUPPORT'
/** What answers does not speak the protocol. */
export const UNREADABLE = 'UNREADABLE'

export interface Driver {
  /** Settles when logged in. @throws RotationFailure, Reported */
  connected: Promise<void>
  /** @throws Reported */
  query(sql: string): Promise<Record<string, unknown>[]>
  /** Says goodbye and lets go of the sockets; at once when `hard`. */
  close(hard: boolean): void
}

// What the driver has and its typings leave out.
interface Inner {
  stream: TLSSocket
  sequenceId: number
  config: { ssl: unknown }
  packetParser: { execute(data: Buffer): void }
  handlePacket(packet?: { sequenceId: number }): void
  startTLS(onSecure: (error?: Error) => void): void
  _command: unknown
}

/** @param database to log in to; none where absent */
export function createDriver(
  route: Route,
  encrypted: boolean,
  login: MysqlCredential,
  database: string | undefined,
): Driver {
  let refusal: RotationFailure | undefined
  let tlsCode: string | undefined
  const authPlugins: NonNullable<ConnectionOptions['authPlugins']> = {}
  for (const [name, proof] of Object.entries(proofs(route, encrypted, login.password))) {
    authPlugins[name] = () => {
      const prove = proof()
      return (message) => {
        try {
          return prove(message)
        } catch (error) {
          if (error instanceof RotationFailure) refusal = error
          throw error
        }
      }
    }
  }
  const connection = createConnection({
    host: route.host,
    port: route.port,
    user: login.username,
    password: login.password,
    ...(database === undefined ? {} : { database }),
    charset: 'UTF8MB4_GENERAL_CI',
    // Which way of proving is the server's to name: one that is not in the list ends the connection.
    authPlugins,
    enableCleartextPlugin: false,
    flags: ['-LOCAL_FILES', '-MULTI_STATEMENTS', '-COMPRESS'],
    multipleStatements: false,
    enableKeepAlive: false,
    connectTimeout: 0,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    disableEval: true,
    connectAttributes: { program_name: 'rekey' },
    ...(encrypted ? { ssl: {} } : {}),
  })
  const inner = connection as unknown as Inner
  // Typed by the driver as a callback API; errors of a connection come here as well.
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(() => {})
  const fail = (error: unknown) => {
    const { errno, code, message } = error as Reported
    ended.reject(refusal ?? { errno, code: tlsCode ?? code, message })
  }
  connection.on('error', fail)
  guard(inner, () => fail({ code: UNREADABLE }))
  inner.startTLS = (onSecure) => {
    startTls(inner, route, (error) => {
      tlsCode = (error as NodeJS.ErrnoException | undefined)?.code
      onSecure(error)
    })
  }
  const connected = new Promise<void>((resolve) => connection.once('connect', () => resolve()))
  return {
    connected: Promise.race([connected, ended.promise]),
    query: (sql) => Promise.race([send(connection, sql), ended.promise]),
    close(hard) {
      const socket = inner.stream
      if (!hard) connection.end(() => {})
      if (hard) connection.destroy()
      setTimeout(() => socket.destroy(), hard ? 0 : 1000).unref()
    },
  }
}

function send(connection: Connection, sql: string): Promise<Record<string, unknown>[]> {
  return new Promise((resolve, reject) => {
    connection.query<RowDataPacket[]>(sql, (error, rows) => {
      if (error === null) return resolve(Array.isArray(rows) ? rows : [])
      const { errno, code, message } = error as Reported
      // A plain object: the driver's own holds the statement.
      const reported: Reported = {
        ...(errno !== undefined && { errno }),
        ...(code !== undefined && { code }),
        ...(message !== undefined && { message }),
      }
      reject(reported)
    })
  })
}

/** The parser and the commands throw on what they do not expect, inside a listener of the socket: that must end here. */
function guard(inner: Inner, unreadable: () => void): void {
  const stop = () => {
    unreadable()
    inner.stream.destroy()
  }
  const { packetParser } = inner
  const execute = packetParser.execute.bind(packetParser)
  packetParser.execute = (data) => {
    try {
      execute(data)
    } catch {
      stop()
    }
  }
  const handlePacket = inner.handlePacket.bind(inner)
  inner.handlePacket = (packet) => {
    // The driver would only warn about it, on the console.
    if (packet && packet.sequenceId !== inner.sequenceId) return stop()
    handlePacket(packet)
  }
}

/** In the place of the driver's own, which checks no address against a certificate and resumes sessions of others. */
function startTls(inner: Inner, route: Route, onSecure: (error?: Error) => void): void {
  const { sslmode, ca } = route
  inner.stream.removeAllListeners('data')
  let secured = false
  const socket = connectTls({
    socket: inner.stream,
    host: route.host,
    ...(isIP(route.host) ? {} : { servername: route.host }),
    rejectUnauthorized: isVerified(route),
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  })
  socket.once('secureConnect', () => {
    secured = true
    onSecure()
  })
  socket.on('error', (error) => {
    if (!secured) onSecure(error)
    else inner.stream.destroy()
  })
  socket.on('data', (data) => inner.packetParser.execute(data))
  socket.on('close', () =>
    (inner as unknown as Connection).emit('error', { code: 'PROTOCOL_CONNECTION_LOST' }),
  )
  inner.stream = socket
}
