/**
 * Tells a store that is away, or in another's way, from a defect: the one is waited for, the other is not. Drivers' texts
 * are looked at, never passed on.
 */

/** Classes of SQLSTATE: connection, resources, shut-down, rolled back for another's sake. */
const CLASSES = /^(08|53|57|40)...$/
/** Read-only after a fail-over, a transaction that idled too long, a lock that was not to be had, no such database yet. */
const STATES = ['25006', '25P03', '25P04', '55P03', '3D000']
/** Node's own, of a connection: ECONNREFUSED, EAI_AGAIN. ERR_ are defects of the caller. */
const SYSTEM = /^E(?!RR_)[A-Z_]+$/
/** A file that is missing has a code of the same kind. A connection that was closed already names no call. */
const CALLS = [undefined, 'connect', 'read', 'write', 'getaddrinfo']
/**
 * What `pg` and Kysely say without a code. The second comes where a roll-back finds the connection gone: it stands in the
 * place of whatever the transaction failed on.
 */
const WORDS =
  /^(Connection terminated|Client (has|was) |Query read timeout|timeout |Cannot use a pool after|driver has already been destroyed)/

/** True for errors of the store's driver, and of its keeper, that go away by themselves. */
export function isStoreAway(error: unknown): boolean {
  for (let depth = 0; error instanceof Error && depth < 5; depth += 1) {
    const { code, syscall } = error as { code?: unknown; syscall?: string }
    // Temporal's codes are numbers.
    if (typeof code === 'number') return false
    if (error.name === 'KmsAway' || WORDS.test(error.message)) return true
    if (typeof code === 'string' && (CLASSES.test(code) || STATES.includes(code))) return true
    if (typeof code === 'string' && SYSTEM.test(code) && CALLS.includes(syscall)) return true
    error = error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause
  }
  return false
}
