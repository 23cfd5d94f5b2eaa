/** Many environments due at one instant, near and far, and what the servers take while a thousand schedules rest. */
import { setTimeout as sleep } from 'node:timers/promises'
import { syncSchedule } from '../client/schedules.ts'
import { createSchedule } from '../store/schedules.ts'
import { median, seconds, timed } from './measure.ts'
import { figure, judge, printRows, type Row } from './report.ts'
import { LOGIN, RECONCILE_EVERY, TASK_QUEUE, type Part, type Rig } from './rig.ts'
import { processorRows } from './rotations.ts'
import { less, memory, processorTime } from './usage.ts'

const MANY = 100
const RESTING = 1000
const MINUTE = 60_000
/** Milliseconds before the due second: Temporal must have heard of all schedules by then. */
const HEAD_START = 3_000
/** Milliseconds after the due second; a run that is later is no measurement but a defect. */
const LATEST = 180_000
/** Milliseconds that Temporal goes on with what it was just given. */
const AFTERMATH = 20_000
/** Once a year, when nobody measures. */
const RARELY = '0 0 29 2 *'
const PARTS: Part[] = ['server', 'worker', 'Temporal', 'store']

export async function measureSchedules(rig: Rig): Promise<void> {
  const near = await makeMany(rig, 'due-near')
  const far = await makeMany(rig, 'due-far', rig.far)
  const first = await scheduleAll(rig, near)
  await measureDue(rig, 'near', near, first)
  const second = await scheduleAll(rig, far)
  await measureDue(rig, 'far', far, second)
}

/** Fills the store and Temporal, lets them come to rest, and looks. */
export async function measureRest(rig: Rig): Promise<void> {
  const made = await timed(async () => {
    const names = Array.from({ length: RESTING }, (_, at) => `rest-${at}`)
    await abreast(16, names, async (name) => {
      const environment = await rig.environment(name, '')
      await schedule(rig, environment.id, name, RARELY)
    })
  })
  await sleep(AFTERMATH)
  const before = processorTime(rig.processes)
  const time = await timed(() => sleep(RECONCILE_EVERY))
  const used = less(processorTime(rig.processes), before)
  const sizes = memory(rig.processes)
  const rows = PARTS.map((part): Row => {
    const share = (used[part] / time) * 100
    figure(`rest.${part}.percent`, share)
    figure(`rest.${part}.megabytes`, sizes[part] / 2 ** 20)
    return [part, `${(sizes[part] / 2 ** 20).toFixed(0)} MB`, `${share.toFixed(1)} % of one processor`]
  })
  printRows(
    `At rest with ${RESTING} schedules (over ${seconds(time)}; store and Temporal are compared once in it, by default every 60 s)`,
    [...rows, ['made in', seconds(made), `${(made / RESTING).toFixed(0)} ms each, 16 at a time`]],
  )
}

interface Scheduled {
  id: string
  name: string
}

async function makeMany(rig: Rig, name: string, place?: Rig['far']): Promise<Scheduled[]> {
  const environments: Scheduled[] = []
  for (const [at, pair] of (await rig.target.pairs(MANY)).entries()) {
    const made = await rig.environment(`${name}-${at}`, rig.target.definition([pair], place))
    environments.push({ id: made.id, name: made.name })
  }
  return environments
}

/** All due at the start of the same minute. @returns it, in milliseconds since 1970 */
async function scheduleAll(rig: Rig, environments: Scheduled[]): Promise<number> {
  const due = Math.ceil((Date.now() + HEAD_START + environments.length * 60) / MINUTE) * MINUTE
  const cron = `${new Date(due).getUTCMinutes()} ${new Date(due).getUTCHours()} * * *`
  await abreast(8, environments, ({ id, name }) => schedule(rig, id, name, cron))
  if (Date.now() > due) throw new Error('the schedules were not made in time: this machine is too busy')
  return due
}

async function schedule(rig: Rig, environmentId: string, name: string, cron: string): Promise<void> {
  const row = await createSchedule(rig.services.db, { environmentId, cron, owner: LOGIN })
  await syncSchedule(rig.temporal, TASK_QUEUE, { ...row, environmentName: `main/bench/${name}` })
}

async function measureDue(rig: Rig, where: string, environments: Scheduled[], due: number): Promise<void> {
  await sleep(due - Date.now())
  const before = processorTime(rig.processes)
  rig.far.counts()
  const ids = environments.map(({ id }) => id)
  for (;;) {
    const { open } = await eventsOf(rig, ids)
    if (open === 0) break
    if (Date.now() > due + LATEST)
      throw new Error(`${open} of ${MANY} schedules have not rotated within ${LATEST / 1000} s`)
    await sleep(100)
  }
  const used = less(processorTime(rig.processes), before)
  const { times } = await eventsOf(rig, ids)
  const [middle, last] = [median(times), Math.max(...times)]
  const { most } = rig.far.counts()
  figure(`due.${where}.median.ms`, middle)
  figure(`due.${where}.max.ms`, last)
  if (where === 'far')
    judge(`${MANY} environments due at once, far, until the last is published`, last / 1000, {
      unit: 's',
      atMost: 15,
    })
  printRows(`${MANY} environments due at the same instant, ${where} (once)`, [
    ['from due to published, median', seconds(middle)],
    [
      'from due to published, the last',
      seconds(last),
      `${(MANY / (last / 1000)).toFixed(1)} rotations a second${most > 0 ? `, at most ${most} connections at once` : ''}`,
    ],
    ...processorRows('a rotation', used, MANY),
  ])
}

async function eventsOf(rig: Rig, ids: string[]): Promise<{ open: number; times: number[] }> {
  const events = await rig.services.db
    .selectFrom('rotation_events')
    .select(['outcome', 'due_at', 'completed_at'])
    .where('environment_id', 'in', ids)
    .where('trigger', '=', 'schedule')
    .where('completed_at', 'is not', null)
    .execute()
  if (events.some(({ outcome }) => outcome !== 'succeeded'))
    throw new Error('a scheduled rotation failed: nothing was measured')
  const times = events.map(({ due_at, completed_at }) => completed_at!.getTime() - due_at!.getTime())
  return { open: ids.length - times.length, times }
}

async function abreast<T>(width: number, items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items]
  const one = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: width }, one))
}
