/** Rotations as people ask for them, over the HTTP API: one path, and many paths of one environment, near and far. */
import { randomUUID } from 'node:crypto'
import { figure, judge, printRows } from './report.ts'
import { median, milliseconds, ratio, seconds, series, timed } from './measure.ts'
import { BARE_QUEUE, FAR, type Part, type Rig } from './rig.ts'
import { less, processorTime } from './usage.ts'

const RUNS = 21
const FAR_RUNS = 3
const PATHS = 100
const PARTS: Part[] = ['server', 'worker', 'Temporal', 'store', 'target']

/** One path, near and far. Resolves with both medians, in milliseconds. */
export async function measureOne(rig: Rig): Promise<{ near: number; far: number }> {
  const { target } = rig
  let [near, far, bareUsers] = (await target.pairs(3)) as [Pair, Pair, Pair]
  await rig.environment('one-near', target.definition([near]))
  await rig.environment('one-far', target.definition([far], rig.far))
  // Whatever is made at the first use of anything is made before the clock runs.
  await series(3, async () => {
    await rotate(rig, 'one-near')
    await bareWorkflow(rig)
    bareUsers = await target.rotateBare(bareUsers)
  })
  const whole: number[] = []
  const workflows: number[] = []
  const calls: number[] = []
  // In turn, so that what else this machine does burdens all alike.
  for (let run = 0; run < RUNS; run += 1) {
    whole.push(await timed(() => rotate(rig, 'one-near')))
    workflows.push(await timed(() => bareWorkflow(rig)))
    calls.push(await timed(async () => (bareUsers = await target.rotateBare(bareUsers))))
  }
  const [one, workflow, atTarget] = [median(whole), median(workflows), median(calls)]
  const before = processorTime(rig.processes)
  await series(RUNS, () => rotate(rig, 'one-near'))
  const used = less(processorTime(rig.processes), before)
  rig.far.counts()
  const away = median(await series(FAR_RUNS, () => rotate(rig, 'one-far')))
  const counts = rig.far.counts()

  figure('one.near.ms', one)
  figure('one.far.ms', away)
  figure('bare.workflow.ms', workflow)
  figure('bare.calls.ms', atTarget)
  judge('one path, near, over the HTTP API, to a bare workflow', one / workflow, { unit: '×', atMost: 3 })
  printRows(
    `One path over the HTTP API, from request to answer (medians of ${RUNS}, in turn; far ${FAR_RUNS})`,
    [
      ['near', milliseconds(one)],
      [
        'an empty workflow of three activities, same Temporal',
        milliseconds(workflow),
        `one path is ${ratio(one, workflow)}`,
      ],
      [
        "the rotator's calls alone, one after another",
        milliseconds(atTarget),
        `one path is ${ratio(one, atTarget)}`,
      ],
      [
        `far: ${FAR} ms a round trip`,
        milliseconds(away),
        `${Math.round(counts.connections / FAR_RUNS)} log-ins, ${Math.round(counts.roundTrips / FAR_RUNS)} round trips`,
      ],
      ...processorRows('one path, near', used, RUNS),
    ],
  )
  return { near: one, far: away }
}

export async function measurePaths(rig: Rig, one: { near: number; far: number }): Promise<void> {
  for (const [name, place, single] of [
    ['near', undefined, one.near],
    ['far', rig.far, one.far],
  ] as const) {
    const pairs = await rig.target.pairs(PATHS)
    await rig.environment(`paths-${name}`, rig.target.definition(pairs, place))
    const before = processorTime(rig.processes)
    rig.far.counts()
    const time = await timed(() => rotate(rig, `paths-${name}`, PATHS))
    const { connections, roundTrips, most } = rig.far.counts()
    const used = less(processorTime(rig.processes), before)
    figure(`paths.${name}.ms`, time)
    if (place) judge(`${PATHS} paths, far, to one path, far`, time / single, { unit: '×', atMost: 8 })
    printRows(`${PATHS} paths of one environment, ${name}: one event and one revision (once)`, [
      ['from request to answer', seconds(time), `${ratio(time, single)} one path, ${name}`],
      ...(place
        ? ([
            ['log-ins at the target', String(connections), `at most ${most} connections at once`],
            ['round trips', String(roundTrips), `${(roundTrips / PATHS).toFixed(1)} a path`],
          ] as [string, string, string][])
        : []),
      ...processorRows('a path', used, PATHS),
    ])
  }
}

type Pair = Awaited<ReturnType<Rig['target']['pairs']>>[number]

export function processorRows(
  what: string,
  used: Record<Part, number>,
  count: number,
): [string, string, string][] {
  const all = PARTS.reduce((sum, part) => sum + used[part], 0) / count
  const parts = PARTS.map((part) => `${part} ${milliseconds(used[part] / count)}`).join(', ')
  return [[`processor time: ${what}`, milliseconds(all), parts]]
}

async function bareWorkflow(rig: Rig): Promise<void> {
  await rig.temporal.workflow.execute('bare', { taskQueue: BARE_QUEUE, workflowId: `bare/${randomUUID()}` })
}

/** Resolves with the answer. @throws when not every path has succeeded */
async function rotate(rig: Rig, environment: string, paths = 1): Promise<void> {
  const answer = JSON.parse(await rig.api.call('POST', environment, 'rotate', '{}')) as {
    secretRotationEvent: { status: string; rotations: { status: string; errorCode?: string }[] }
  }
  const { status, rotations } = answer.secretRotationEvent
  const failed = rotations.find((rotation) => rotation.status !== 'succeeded')
  if (status !== 'succeeded' || failed || rotations.length !== paths)
    throw new Error(`a rotation of ${environment} failed: ${failed?.errorCode ?? status}`)
}
