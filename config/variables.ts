/** The list of all variables: kind, default, meaning; reads none of them. */
import * as kinds from './kinds.ts'
import type { Kind } from './kinds.ts'

export interface Variable<T> {
  name: `REKEY_${string}`
  kind: Kind<T>
  /** As it would be typed; absent means that the variable may stay unset. */
  default?: string
  /** One line for `rekey config`. */
  about: string
  /** How to show a value that people should not read; the value itself when absent. */
  mask?: (value: string) => string
}

/** Undefined is a value of it: there is no default that would be right for anybody. */
type MayBeUnset<T> = Variable<T> & { default?: never }
type AlwaysSet<T> = Variable<T> & { default: string }

const hidden = () => '********'
const hiddenPassword = (value: string) => {
  const url = URL.parse(value)
  if (!url) return hidden()
  if (url.password) url.password = '********'
  // Drivers take the password as a parameter too.
  for (const key of new Set(url.searchParams.keys()))
    if (/password|key/i.test(key)) url.searchParams.set(key, '********')
  return url.href
}

const required = <T>(
  kind: Kind<T>,
  name: Variable<T>['name'],
  fallback: string,
  about: string,
): AlwaysSet<T> => ({
  name,
  kind,
  default: fallback,
  about,
})
const optional = <T>(kind: Kind<T>, name: Variable<T>['name'], about: string): MayBeUnset<T> => ({
  name,
  kind,
  about,
})

export const VARIABLES = {
  databaseUrl: {
    ...required(
      kinds.databaseUrl,
      'REKEY_DATABASE_URL',
      'postgres://rekey@127.0.0.1:5432/rekey',
      'PostgreSQL that keeps everything',
    ),
    mask: hiddenPassword,
  },
  temporalAddress: required(
    kinds.dialAddress,
    'REKEY_TEMPORAL_ADDRESS',
    '127.0.0.1:7233',
    'Temporal frontend',
  ),
  temporalNamespace: required(kinds.name, 'REKEY_TEMPORAL_NAMESPACE', 'default', 'Temporal namespace'),
  temporalTls: optional(
    kinds.onOff,
    'REKEY_TEMPORAL_TLS',
    'whether Temporal is reached over TLS; unset: where one of the next five is set',
  ),
  temporalTlsCaFile: optional(
    kinds.text,
    'REKEY_TEMPORAL_TLS_CA_FILE',
    "PEM file of the authorities that may sign Temporal's certificate; unset: those that Node.js trusts",
  ),
  temporalTlsCertFile: optional(
    kinds.text,
    'REKEY_TEMPORAL_TLS_CERT_FILE',
    'PEM file of the client certificate for Temporal, with its chain',
  ),
  temporalTlsKeyFile: optional(
    kinds.text,
    'REKEY_TEMPORAL_TLS_KEY_FILE',
    'PEM file of the private key of that certificate',
  ),
  temporalTlsServerName: optional(
    kinds.hostName,
    'REKEY_TEMPORAL_TLS_SERVER_NAME',
    "name that Temporal's certificate must have; unset: the host of REKEY_TEMPORAL_ADDRESS",
  ),
  temporalApiKeyFile: optional(
    kinds.text,
    'REKEY_TEMPORAL_API_KEY_FILE',
    'file of the API key for Temporal, as Temporal Cloud gives them out',
  ),
  taskQueue: required(kinds.name, 'REKEY_TASK_QUEUE', 'rekey', 'Temporal task queue of the workers'),
  listen: required(kinds.listenAddress, 'REKEY_LISTEN', '127.0.0.1:8790', 'where the HTTP API listens'),
  workerListen: required(
    kinds.listenAddress,
    'REKEY_WORKER_LISTEN',
    '127.0.0.1:8791',
    'where a worker answers /healthz, /readyz and /metrics',
  ),
  metricsListen: required(
    kinds.optionalListenAddress,
    'REKEY_METRICS_LISTEN',
    '127.0.0.1:8792',
    'where the server answers /metrics, to whoever can reach it',
  ),
  dataDir: required(kinds.text, 'REKEY_DATA_DIR', '.rekey', 'where rekey dev keeps its state'),
  keyFile: required(kinds.text, 'REKEY_KEY_FILE', '.rekey/key', 'file of the key that wraps all others'),
  kmsKey: optional(
    kinds.text,
    'REKEY_KMS_KEY',
    'key of AWS KMS that wraps all others, instead of the key file: id, ARN or alias/…',
  ),
  minRotationAge: required(
    kinds.limit,
    'REKEY_MIN_ROTATION_AGE',
    '30m',
    'a scheduled run leaves younger credentials alone',
  ),
  minManualAge: required(
    kinds.limit,
    'REKEY_MIN_MANUAL_AGE',
    '1m',
    'a rotation by hand is refused for younger credentials',
  ),
  retryAfter: required(
    kinds.times,
    'REKEY_RETRY_AFTER',
    '10m,1h,6h',
    'when the failed paths of a scheduled run are tried again, each counted from the end of the try before',
  ),
  minScheduleInterval: required(
    kinds.limit,
    'REKEY_MIN_SCHEDULE_INTERVAL',
    '1h',
    'the shortest time between two runs of a schedule',
  ),
  requestExpiry: required(
    kinds.limit,
    'REKEY_REQUEST_EXPIRY',
    '15m',
    'a request that has not begun by then is not carried out',
  ),
  reconcileInterval: required(
    kinds.time,
    'REKEY_RECONCILE_INTERVAL',
    '1m',
    'how often the store is compared with Temporal',
  ),
  sweepInterval: required(
    kinds.limit,
    'REKEY_SWEEP_INTERVAL',
    '10m',
    'how often what rotations left in doubt is looked at; each rotation at most daily after some times',
  ),
  targetBudget: required(
    kinds.time,
    'REKEY_TARGET_BUDGET',
    '2m',
    'time that one target has within one rotation',
  ),
  changeTimeout: required(
    kinds.time,
    'REKEY_CHANGE_TIMEOUT',
    '5s',
    'time that one change at a target may take; nothing else is sent there for three times as long',
  ),
  maxConcurrentRotations: required(
    kinds.count,
    'REKEY_MAX_CONCURRENT_ROTATIONS',
    '40',
    'rotations that one worker runs at once',
  ),
  oidcIssuer: optional(
    kinds.issuerUrl,
    'REKEY_OIDC_ISSUER',
    'URL that others know this installation by, as an OpenID provider; it must reach a server. Unset: it is none',
  ),
  oidcAudience: required(
    kinds.audience,
    'REKEY_OIDC_AUDIENCE',
    'aws:{org}',
    'whom the identity tokens for AWS are meant for; {org} is the organization',
  ),
  oidcKeyLifetime: required(
    kinds.time,
    'REKEY_OIDC_KEY_LIFETIME',
    '90d',
    'how long one key signs identity tokens before the next one does',
  ),
  oidcKeyLead: required(
    kinds.keyLead,
    'REKEY_OIDC_KEY_LEAD',
    '1d',
    'how long a key is published before it signs: longer than anybody remembers the keys from before',
  ),
  logLevel: required(kinds.logLevel, 'REKEY_LOG_LEVEL', 'info', 'least severity that is logged'),
  temporalCli: optional(
    kinds.text,
    'REKEY_TEMPORAL_CLI',
    'program of the Temporal dev server, for rekey dev',
  ),
  url: optional(
    kinds.httpUrl,
    'REKEY_URL',
    'HTTP API that the command line talks to; else the one of "rekey login"',
  ),
  token: { ...optional(kinds.text, 'REKEY_TOKEN', 'access token of the command line'), mask: hidden },
  org: optional(kinds.name, 'REKEY_ORG', 'organization of the command line; else the first one of the user'),
}
