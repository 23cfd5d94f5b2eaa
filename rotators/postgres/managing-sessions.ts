/**
 * Sessions of managing users, used one after another by all who need the same one: logging in takes longer than what
 * most of them are for. Each is one user's at a time, kept for a moment, and over once anything went wrong with it.
 */
import { createHash } from 'node:crypto'
import { RotationFailure } from '../../model/failures.ts'
import type { Limits } from '../database/deadline.ts'
import { onShortage } from '../database/places.ts'
import type { Route } from './route.ts'
import { Session } from './session.ts'
import type { PostgresCredential } from './schema.ts'

/** Of one user at one server, at the same time: half of all places, so that looks go on beside changes. */
const MOST = 16
/** Milliseconds for which one stays that nobody needs; from a path's look to its change, or to the next path. */
const KEPT = 500

interface Kept {
  session: Session
  /** Nobody else gets it, and it stays open. */
  take(): void
  end(): void
}

type Waiter = (handed: Session | 'open one') => void

interface Pool {
  key: string
  open: number
  resting: Kept[]
  /** Those who are about to change something have a deadline, and come first. */
  urgent: Waiter[]
  others: Waiter[]
}

const pools = new Map<string, Pool>()

/**
 * Does the work as this user, in a session that it has for itself meanwhile. It must leave nothing behind there, unless
 * it is to be `alone`: then it gets a new session, which ends with it.
 * @throws LoginRefused, RotationFailure
 */
export async function withManagingSession<T>(
  route: Route,
  login: PostgresCredential,
  { limits, alone }: { limits: Limits; alone: boolean },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  for (let fresh = alone; ; fresh = true) {
    const pool = poolOf(route, login)
    const { session, isUsed } = await take(pool, { route, login, limits, fresh })
    try {
      const result = await work(session)
      if (alone) discard(pool, session)
      else giveBack(pool, session)
      return result
    } catch (error) {
      discard(pool, session)
      // The server may have ended it while it rested; a new one is tried, unless a change may have been sent.
      const lost = error instanceof RotationFailure && error.code === 'TARGET_UNREACHABLE'
      if (!isUsed || fresh || !lost || session.hasChanged) throw error
    }
  }
}

/** Ends all that nobody uses just now. Whoever comes next logs in. */
export function endRestingSessions(): void {
  for (const { resting } of pools.values()) while (resting.length > 0) resting[0]!.end()
}

/** Whoever logs in otherwise, or elsewhere, shares nothing. */
function poolOf(route: Route, { username, password }: PostgresCredential): Pool {
  const key = createHash('sha256')
    .update(JSON.stringify([route, username, password]))
    .digest('base64')
  const pool = pools.get(key) ?? { key, open: 0, resting: [], urgent: [], others: [] }
  pools.set(key, pool)
  return pool
}

async function take(
  pool: Pool,
  asked: { route: Route; login: PostgresCredential; limits: Limits; fresh: boolean },
): Promise<{ session: Session; isUsed: boolean }> {
  const { route, login, limits, fresh } = asked
  const kept = fresh ? undefined : pool.resting.pop()
  kept?.take()
  let handed: Session | 'open one' = kept?.session ?? 'open one'
  if (!kept && pool.open < MOST) pool.open += 1
  else if (!kept) handed = await queueUp(pool, limits)
  if (handed !== 'open one' && !fresh) {
    handed.resume(limits)
    return { session: handed, isUsed: true }
  }
  if (handed !== 'open one') handed.close()
  try {
    // First in the queue for places: others' changes may be waiting for this session already.
    const session = await Session.open(route, { ...login, managing: true }, { ...limits, urgent: true })
    return { session, isUsed: false }
  } catch (error) {
    pass(pool)
    throw error
  }
}

function queueUp(pool: Pool, { signal, urgent }: Limits): Promise<Session | 'open one'> {
  const queue = urgent ? pool.urgent : pool.others
  const stopped = () => new RotationFailure('CANCELLED', 'stopped before anything was changed')
  if (signal.aborted) return Promise.reject(stopped())
  return new Promise((resolve, reject) => {
    const enter: Waiter = (handed) => {
      signal.removeEventListener('abort', giveUp)
      resolve(handed)
    }
    const giveUp = () => {
      queue.splice(queue.indexOf(enter), 1)
      reject(stopped())
    }
    queue.push(enter)
    signal.addEventListener('abort', giveUp, { once: true })
  })
}

function giveBack(pool: Pool, session: Session): void {
  if (!session.isAlive) return discard(pool, session)
  session.rest()
  const next = pool.urgent.shift() ?? pool.others.shift()
  if (next) next(session)
  else keep(pool, session)
}

function discard(pool: Pool, session: Session): void {
  session.close()
  pass(pool)
}

/** One session of the pool is gone: somebody else may open one in its place. */
function pass(pool: Pool): void {
  const next = pool.urgent.shift() ?? pool.others.shift()
  if (next) return next('open one')
  pool.open -= 1
  if (pool.open === 0 && pools.get(pool.key) === pool) pools.delete(pool.key)
}

/** Until somebody needs it. Where others wait for its place, no longer than it would take to log in again. */
function keep(pool: Pool, session: Session): void {
  const since = performance.now()
  const end = () => {
    kept.take()
    pool.resting.splice(pool.resting.indexOf(kept), 1)
    discard(pool, session)
  }
  let timer = setTimeout(end, KEPT)
  const forgetShortage = onShortage(session.place, () => {
    clearTimeout(timer)
    timer = setTimeout(end, Math.max(0, since + Math.min(KEPT, session.loginTime) - performance.now()))
  })
  const forgetLoss = session.onLost(end)
  const kept: Kept = {
    session,
    end,
    take: () => {
      clearTimeout(timer)
      forgetShortage()
      forgetLoss()
    },
  }
  pool.resting.push(kept)
}
