/** Tells which dependency is away by an error, and says so in words. Drivers' texts are never passed on. */
import { isStoreAway } from '../store/away.ts'

/** gRPC: deadline exceeded, unavailable. */
const GRPC = new Set([4, 14])
/** gRPC: permission denied, unauthenticated. */
const REFUSED = new Set([7, 16])

const WORDS = {
  database: 'the database cannot be reached right now; try again in a moment',
  schema: 'the database has not the schema of this version yet; "rekey migrate" brings it up to date',
  'AWS KMS': 'AWS KMS cannot be reached right now, or refuses its key; the log and /readyz say more',
  Temporal: 'Temporal cannot be reached right now; try again in a moment',
  'rights at Temporal': 'Temporal refuses the credentials of Rekey; the log of the server says more',
}
type Dependency = keyof typeof WORDS

/** For people: what is away and what to do. */
export function describeAway(dependency: Dependency): string {
  return WORDS[dependency]
}

/** The dependency whose absence this error is; undefined when it is something else. */
export function awayDependency(error: unknown): Dependency | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; depth += 1) {
    if (cause.name === 'KmsAway') return 'AWS KMS'
    const { code } = cause as { code?: unknown }
    if (typeof code === 'number')
      return GRPC.has(code) ? 'Temporal' : REFUSED.has(code) ? 'rights at Temporal' : undefined
    // No such table, no such column.
    if (typeof code === 'string' && /^(42P01|42703)$/.test(code)) return 'schema'
    cause = cause instanceof AggregateError ? cause.errors[0] : cause.cause
  }
  return isStoreAway(error) ? 'database' : undefined
}
