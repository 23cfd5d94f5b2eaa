/** Tells the errors of a dependency that is away from all others. Drivers' texts are looked at, never passed on. */

const CONNECTION = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
])
/** gRPC: deadline exceeded, unavailable. */
const GRPC = new Set([4, 14])

const WORDS = {
  database: 'the database cannot be reached right now; try again in a moment',
  schema: 'the database has not the schema of this version yet; "rekey migrate" brings it up to date',
  'AWS KMS': 'AWS KMS cannot be reached right now, or refuses its key; the log and /readyz say more',
  Temporal: 'Temporal cannot be reached right now; try again in a moment',
}
type Dependency = keyof typeof WORDS

/** For people: what is away and what to do. */
export function describeAway(dependency: Dependency): string {
  return WORDS[dependency]
}

/** The dependency whose absence this error is; undefined when it is something else. */
export function awayDependency(error: unknown): Dependency | undefined {
  for (let depth = 0; error instanceof Error && depth < 5; depth += 1) {
    if (error.name === 'KmsAway') return 'AWS KMS'
    const { code } = error as { code?: unknown }
    if (error.name === 'ServiceError' || typeof code === 'number') {
      if (typeof code === 'number') return GRPC.has(code) ? 'Temporal' : undefined
    } else if (typeof code === 'string') {
      // No such table, no such column.
      if (/^(42P01|42703)$/.test(code)) return 'schema'
      // 08: connection; 57P: shut down or starting; 53300: no connection left; 3D000: no such database yet.
      if (/^(08|57P0|53300|3D000)/.test(code)) return 'database'
      if (CONNECTION.has(code) && isSocketError(error)) return 'database'
    }
    if (
      /^(Connection terminated|timeout expired|timeout exceeded when trying to connect)/.test(error.message)
    )
      return 'database'
    if (error instanceof AggregateError && error.errors[0] instanceof Error) error = error.errors[0]
    else error = error.cause
  }
  return undefined
}

function isSocketError(error: Error): boolean {
  const { syscall } = error as { syscall?: unknown }
  return ['connect', 'read', 'write', 'getaddrinfo'].includes(String(syscall))
}
