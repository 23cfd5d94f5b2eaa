/** Rotations, as they are asked for: one, many environments at once, many paths, and many schedules at one second. */
import { setTimeout as sleep } from 'node:timers/promises'
import { request, wait } from '../client/rotations.ts'
import { syncSchedule } from '../client/schedules.ts'
import type { Environment } from '../store/environments.ts'
import { findEvent } from '../store/events.ts'
import { createSchedule } from '../store/schedules.ts'
import { median, milliseconds, printRows, ratio, seconds, series, timed } from './measure.ts'
import { LOGIN, type Rig } from './rig.ts'

const RUNS = 15
const FEWER_RUNS = 5
const MANY = 50
const PATHS = [1, 10, 50]
const MINUTE = 60_000
/** Milliseconds before the due second: Temporal must have heard of all schedules by then. */
const HEAD_START = 5_000
/** Milliseconds after the due second; a run that is later is no measurement but a defect. */
const LATEST = 60_000

/** The median of one rotation, in milliseconds. */
export async function measureOne(rig: Rig): Promise<number> {
  const { target } = rig
  const [pair, bareUsers] = await target.pairs(2)
  if (!pair || !bareUsers) throw new Error('no users')
  const environment = await rig.environment('one', target.definition([pair]))
  let bare = bareUsers
  // Whatever is made at the first use of anything is made before the clock runs.
  await series(3, () => rotate(rig, environment))
  bare = await target.rotateBare(bare)
  const whole: number[] = []
  const calls: number[] = []
  // In turn, so that what else this machine does burdens both alike.
  for (let run = 0; run < RUNS; run += 1) {
    whole.push(await timed(() => rotate(rig, environment)))
    calls.push(await timed(async () => (bare = await target.rotateBare(bare))))
  }
  const [one, atTarget] = [median(whole), median(calls)]
  printRows(`One rotation, from request to committed revision (median of ${RUNS}, one after another)`, [
    ['the rotation', milliseconds(one), `${ratio(one, atTarget)} the calls at the target`],
    ['only its calls at the target: 6 log-ins, 1 change', milliseconds(atTarget)],
    ['the rest: journal, workflow, evaluation, revision', milliseconds(one - atTarget)],
  ])
  return one
}

export async function measureMany(rig: Rig, one: number): Promise<void> {
  const environments = await make(rig, 'many')
  const times = await series(FEWER_RUNS, () =>
    Promise.all(environments.map((environment) => rotate(rig, environment))),
  )
  const all = median(times)
  printRows(`${MANY} environments asked at the same moment (median of ${FEWER_RUNS})`, [
    ['until the last commit', seconds(all), `${ratio(all, MANY * one)} of ${MANY} one after another`],
    ['rotations a second', (MANY / (all / 1000)).toFixed(1)],
  ])
}

export async function measurePaths(rig: Rig): Promise<void> {
  const times: [paths: number, time: number][] = []
  for (const paths of PATHS) {
    const pairs = await rig.target.pairs(paths)
    const environment = await rig.environment(`paths-${paths}`, rig.target.definition(pairs))
    times.push([paths, median(await series(FEWER_RUNS, () => rotate(rig, environment, paths)))])
  }
  const [, first] = times[0]!
  printRows(
    `One environment with several paths, one event and one revision (median of ${FEWER_RUNS})`,
    times.map(([paths, time]) => [
      paths === 1 ? '1 path' : `${paths} paths: ${milliseconds(time)}, each`,
      milliseconds(time / paths),
      paths === 1 ? '' : `${ratio(time / paths, first)} of 1 path`,
    ]),
  )
}

export async function measureSchedules(rig: Rig): Promise<void> {
  const environments = await make(rig, 'scheduled')
  const { db } = rig.on
  const due = Math.ceil((Date.now() + HEAD_START + environments.length * 40) / MINUTE) * MINUTE
  const cron = `${new Date(due).getUTCMinutes()} * * * *`
  for (const environment of environments) {
    const schedule = await createSchedule(db, { environmentId: environment.id, cron, owner: LOGIN })
    const environmentName = `${environment.organization}/${environment.project}/${environment.name}`
    await syncSchedule(rig.on.client, rig.on.taskQueue, { ...schedule, environmentName })
  }
  await sleep(due - Date.now())
  const ended = new Map<string, number>()
  while (ended.size < environments.length) {
    if (Date.now() > due + LATEST) throw new Error(`only ${ended.size} of ${MANY} schedules have rotated`)
    const events = await db
      .selectFrom('rotation_events')
      .select(['id', 'outcome'])
      .where('trigger', '=', 'schedule')
      .where('completed_at', 'is not', null)
      .execute()
    for (const { id, outcome } of events) {
      if (outcome !== 'succeeded') throw new Error('a scheduled rotation failed: nothing was measured')
      if (!ended.has(id)) ended.set(id, Date.now() - due)
    }
    await sleep(20)
  }
  const times = [...ended.values()]
  printRows(`${MANY} schedules due at the same second (once)`, [
    ['from due to the last commit', seconds(Math.max(...times))],
    ['from due to commit, median', seconds(median(times))],
  ])
}

async function make(rig: Rig, name: string): Promise<Environment[]> {
  const environments: Environment[] = []
  for (const [at, pair] of (await rig.target.pairs(MANY)).entries())
    environments.push(await rig.environment(`${name}-${at}`, rig.target.definition([pair])))
  return environments
}

/** Resolves with the commit. @throws when not every path has succeeded */
async function rotate(rig: Rig, environment: Environment, paths = 1): Promise<void> {
  const { eventId } = await request(rig.on, {
    environmentId: environment.id,
    login: LOGIN,
    trigger: 'manual',
    paths: null,
    force: false,
    requestKey: null,
  })
  await wait(rig.on, eventId, AbortSignal.timeout(MINUTE))
  const event = await findEvent(rig.on.db, eventId)
  const succeeded = event?.rotations.filter(({ outcome }) => outcome === 'succeeded').length
  if (event?.outcome !== 'succeeded' || succeeded !== paths)
    throw new Error(
      `a rotation of ${environment.name} failed (${event?.failureCode ?? event?.rotations[0]?.failureCode})`,
    )
}
