/** The kinds of value that a variable can have: each reads one text and says what it should have been. */
import { formatDuration, parseDuration } from './duration.ts'

export interface Kind<T> {
  /** The value, or undefined when the text is malformed. */
  read(text: string): T | undefined
  write(value: T): string
  /** Completes the sentence "must be …". */
  expects: string
}

/** An address to listen on. */
export interface ListenAddress {
  host: string
  /** 0 means any free port. */
  port: number
}

const asIs = (value: string) => value

export const text: Kind<string> = { read: (value) => value || undefined, write: asIs, expects: 'not empty' }

export const name: Kind<string> = {
  read: (value) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value) ? value : undefined),
  write: asIs,
  expects: 'up to 100 letters, digits, "-", "_" and ".", beginning with a letter or digit',
}

export const onOff: Kind<'on' | 'off'> = {
  read: (value) => (value === 'on' || value === 'off' ? value : undefined),
  write: asIs,
  expects: 'on or off',
}

export const hostName: Kind<string> = {
  read: (value) => (/^[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(value) ? value : undefined),
  write: asIs,
  expects: 'a host name such as temporal.example.com, without a port',
}

/** A limit; `0s` switches it off. */
export const limit: Kind<number> = {
  read: parseDuration,
  write: formatDuration,
  expects: 'a duration such as 90s, 15m, 1h or 7d (0s switches it off)',
}

/** A time that something takes or waits; never 0. */
export const time: Kind<number> = {
  read: (value) => parseDuration(value) || undefined,
  write: formatDuration,
  expects: 'a duration such as 90s, 15m, 1h or 7d, longer than 0s',
}

/** Others may keep keys of ours for five minutes: whoever has fetched them just before must have time to fetch again. */
const SHORTEST_LEAD = 10 * 60_000

export const keyLead: Kind<number> = {
  read: (value) => {
    const lead = parseDuration(value)
    return lead !== undefined && lead >= SHORTEST_LEAD ? lead : undefined
  },
  write: formatDuration,
  expects: `a duration such as 1h or 1d, ${formatDuration(SHORTEST_LEAD)} at least`,
}

const MOST_TIMES = 20

/** Times that follow one another; none is `off`. */
export const times: Kind<readonly number[]> = {
  read: (value) => {
    if (value === 'off') return []
    const list = value.split(',').map((part) => time.read(part.trim()))
    const read = list.filter((item) => item !== undefined)
    return read.length === list.length && read.length <= MOST_TIMES ? read : undefined
  },
  write: (value) => (value.length === 0 ? 'off' : value.map(formatDuration).join(',')),
  expects: `up to ${MOST_TIMES} durations such as 10m,1h,6h, or off`,
}

export const count: Kind<number> = {
  read: (value) => (/^[1-9]\d{0,3}$/.test(value) ? Number(value) : undefined),
  write: String,
  expects: 'a whole number from 1 to 9999',
}

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LEVELS)[number]

export const logLevel: Kind<LogLevel> = {
  read: (value) => LEVELS.find((level) => level === value),
  write: asIs,
  expects: `one of ${LEVELS.join(', ')}`,
}

export const listenAddress: Kind<ListenAddress> = {
  read: (value) => {
    const { host, port } = splitAddress(value) ?? {}
    return host !== undefined && port !== undefined ? { host, port } : undefined
  },
  write: ({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`),
  expects: 'a host and a port such as 127.0.0.1:8790',
}

/** An address to listen on, or `off`. */
export const optionalListenAddress: Kind<ListenAddress | 'off'> = {
  read: (value) => (value === 'off' ? 'off' : listenAddress.read(value)),
  write: (value) => (value === 'off' ? 'off' : listenAddress.write(value)),
  expects: 'a host and a port such as 127.0.0.1:8792, or off',
}

export const dialAddress: Kind<string> = {
  read: (value) => (splitAddress(value)?.port ? value : undefined),
  write: asIs,
  expects: 'a host and a port such as 127.0.0.1:7233',
}

export const httpUrl: Kind<string> = {
  read: (value) => readUrl(value, ['http:', 'https:'])?.replace(/\/+$/, ''),
  write: asIs,
  expects: 'a URL such as http://127.0.0.1:8790',
}

const THIS_MACHINE = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** By what name others know us: they compare it letter for letter. Without TLS for this machine's own tests alone. */
export const issuerUrl: Kind<string> = {
  read: (value) => {
    const url = URL.parse(value)
    if (!url || url.search || url.hash || url.username || url.password || /[?#]$/.test(value))
      return undefined
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && THIS_MACHINE.has(url.hostname)))
      return undefined
    // Any other character is written in several ways, and would be compared in one.
    if (!/^[\w.~/-]*$/.test(url.pathname)) return undefined
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  },
  write: asIs,
  expects:
    'an https URL such as https://rekey.example.com, without a query, its path of letters, digits, ".", "_", "~" and "-"',
}

export const audience: Kind<string> = {
  read: (value) => (/^[\x21-\x7e]{1,200}$/.test(value) ? value : undefined),
  write: asIs,
  expects: 'up to 200 letters, digits and signs without spaces; {org} stands for the organization',
}

export const databaseUrl: Kind<string> = {
  read: (value) => readUrl(value, ['postgres:', 'postgresql:']),
  write: asIs,
  expects: 'a URL such as postgres://user:password@host:5432/database',
}

function splitAddress(value: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(value) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host !== undefined && port <= 65_535 ? { host, port } : undefined
}

function readUrl(value: string, protocols: string[]): string | undefined {
  const url = URL.parse(value)
  // A database may be named by a socket's folder: postgres:///rekey?host=/run/postgresql
  return url && protocols.includes(url.protocol) && (url.hostname || url.searchParams.has('host'))
    ? value
    : undefined
}
