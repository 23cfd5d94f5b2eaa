/** Tells a store that is away, or in another's way, from a defect: the one is waited for, the other is not. */

/** Classes of SQLSTATE: connection, resources, shut-down, rolled back for another's sake. */
const CLASSES = /^(08|53|57|40)...$/
/** Read-only after a fail-over, a transaction that idled too long, a lock that was not to be had. */
const STATES = ['25006', '25P03', '25P04', '55P03']

/** True for errors of the store's driver that go away by themselves. */
export function isStoreAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'KmsAway') return true
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (CLASSES.test(code) || STATES.includes(code)) return true
  // Node's own: ECONNREFUSED, EAI_AGAIN. ERR_ are defects of the caller.
  if (/^E(?!RR_)[A-Z_]+$/.test(code)) return true
  return /^(Connection terminated|Client (has|was) |Query read timeout|timeout )/.test(error.message)
}
