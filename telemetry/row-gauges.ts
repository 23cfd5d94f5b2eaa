/**
 * Gauges computed from the store's rows when somebody looks: they are true of the whole installation, whoever is asked,
 * and also after a restart. A store that is away or slow costs an answer these gauges and nothing else.
 */
import { Gauge, type Registry } from 'prom-client'

/** Ages and lateness in seconds; 0 where there is nothing. */
export interface Tally {
  openEvents: number
  oldestOpenEvent: number
  waitingRequests: number
  oldestWaitingRequest: number
  unsettledRotations: number
  oldestUnsettledRotation: number
  overdueSchedules: number
  latestOverdueSchedule: number
  environments: number
  activeSchedules: number
  pausedSchedules: number
  revisions: number
  oidcKeys: number
  oidcSigningKeyAge: number
}

export interface RowGauges {
  /** Brings the gauges up to date; never throws, and takes no longer than the limit. */
  refresh(): Promise<void>
}

/** Milliseconds: several scrapers must not cost the store several readings. */
const KEPT = 5_000
/** Milliseconds; a scrape is given up after ten seconds by default. */
const LIMIT = 3_000

const GAUGES: Record<keyof Omit<Tally, 'activeSchedules' | 'pausedSchedules'>, [name: string, help: string]> =
  {
    openEvents: ['rekey_open_events', 'Rotation events that have begun and not ended.'],
    oldestOpenEvent: ['rekey_oldest_open_event_age_seconds', 'Age of the oldest open event; 0 without any.'],
    waitingRequests: ['rekey_waiting_requests', 'Rotation requests whose event has not begun.'],
    oldestWaitingRequest: [
      'rekey_oldest_waiting_request_age_seconds',
      'Age of the oldest waiting request; 0 without any.',
    ],
    unsettledRotations: [
      'rekey_unsettled_rotations',
      'Rotations that ended and left in doubt what became of a change at their target.',
    ],
    oldestUnsettledRotation: [
      'rekey_oldest_unsettled_rotation_age_seconds',
      'Age of the oldest unsettled rotation; 0 without any.',
    ],
    overdueSchedules: [
      'rekey_overdue_schedules',
      'Schedules with a due time that passed more than a minute ago and that nothing has begun to serve.',
    ],
    latestOverdueSchedule: [
      'rekey_latest_overdue_schedule_seconds',
      'Time since the due time of the schedule that is overdue the longest; 0 without any.',
    ],
    environments: ['rekey_environments', 'Environments, deleted ones left out.'],
    revisions: ['rekey_revisions', 'Revisions of all environments, deleted ones included.'],
    oidcKeys: [
      'rekey_oidc_keys',
      'Keys of identity tokens: the one that signs, the next one, and those before.',
    ],
    oidcSigningKeyAge: [
      'rekey_oidc_signing_key_age_seconds',
      'Time since the key that signs identity tokens began to; 0 without any. Growing past REKEY_OIDC_KEY_LIFETIME: no worker looks after it.',
    ],
  }

export function registerRowGauges(
  registry: Registry,
  read: () => Promise<Tally>,
  { kept = KEPT, limit = LIMIT } = {},
): RowGauges {
  const registers = [registry]
  const gauges = Object.entries(GAUGES).map(([key, [name, help]]) => ({
    key: key as keyof Tally,
    gauge: new Gauge({ name, help, registers }),
  }))
  const schedules = new Gauge({
    name: 'rekey_schedules',
    help: 'Schedules by state: active or paused.',
    labelNames: ['state'] as const,
    registers,
  })
  const readable = new Gauge({
    name: 'rekey_store_readable',
    help: 'Whether the store answered in time for the gauges of its rows: 1 or 0. Without an answer those have no value.',
    registers,
  })
  let fresh: { until: number; done: Promise<void> } | undefined

  async function look(): Promise<void> {
    const tally = await inTime(read(), limit)
    readable.set(tally ? 1 : 0)
    for (const { key, gauge } of gauges) {
      // An old number would look like a new one.
      if (tally) gauge.set(tally[key])
      else gauge.remove()
    }
    if (tally) {
      schedules.set({ state: 'active' }, tally.activeSchedules)
      schedules.set({ state: 'paused' }, tally.pausedSchedules)
    } else schedules.reset()
  }

  return {
    refresh: async () => {
      if (!fresh || performance.now() > fresh.until) fresh = { until: performance.now() + kept, done: look() }
      await fresh.done
    },
  }
}

/** Undefined when it fails or takes longer. */
async function inTime<T>(work: Promise<T>, limit: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, limit, undefined)))
  try {
    return await Promise.race([work.catch(() => undefined), late])
  } finally {
    clearTimeout(timer)
  }
}
