/**
 * One fire: sets up environments and targets, lets all actors loose for a while, has everything come to rest, rotates
 * once more in the calm, and checks the ten invariants. The seed decides what every actor does; when, the machine does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { own } from './actors/owner.ts'
import { halted, reap, supervise } from './actors/reaper.ts'
import { decide } from './actors/person.ts'
import { sabotage } from './actors/saboteur.ts'
import type { Owned, Scene } from './actors/scene.ts'
import { watch } from './actors/watcher.ts'
import { Api } from './api.ts'
import { comeToRest, rotateInCalm } from './calm.ts'
import { collectEvidence } from './collect.ts'
import { Counts } from './counts.ts'
import type { Evidence, Violation } from './evidence.ts'
import { checkInvariants } from './invariants.ts'
import { Random } from './random.ts'
import { startRig, type Rig } from './rig.ts'
import { TARGET_KINDS } from './targets/index.ts'
import type { WorkerPlan } from './worker.ts'

export interface FireOptions {
  seed: number
  /** Of burning; coming to rest and checking take about a minute more. */
  seconds: number
  environments: number
  workers?: number
  signal: AbortSignal
  tell(line: string): void
}

export interface Fire {
  faults: Counts
  figures: Counts
  evidence: Evidence
  violations: Violation[]
  /** Journal rows, timeline and workflow histories that belong to a violation, as text. */
  historyOf(violation: Violation): Promise<string>
}

/** @param use gets the fire while its servers still run */
export async function burn<T>(options: FireOptions, use: (fire: Fire) => Promise<T>): Promise<T> {
  const { seed, tell, signal } = options
  const random = new Random(seed)
  const faults = new Counts()
  const figures = new Counts()
  const over = new AbortController()
  const calm = { now: false }
  const halts = random.fork('halts')
  let scene: Scene | undefined
  const rig = await startRig({
    random,
    signal,
    workers: options.workers ?? 3,
    servers: 2,
    // What comes after minutes and hours in production must come within a fire.
    settings: { REKEY_RETRY_AFTER: '2s,4s,8s', REKEY_SWEEP_INTERVAL: '10s' },
    struck: (fault) => faults.add(fault),
    halt: (): WorkerPlan['halt'] =>
      calm.now || !halts.chance(0.6)
        ? undefined
        : { signal: halts.chance(0.6) ? 'SIGKILL' : 'SIGSTOP', at: halts.whole(10, 250) },
    said: (name, line) => scene && halted(scene, halts, name, line),
  })
  try {
    for (const program of [...rig.servers, ...rig.workers]) program.start()
    await Promise.all(rig.servers.map((server) => server.ready(signal)))
    scene = {
      rig,
      api: new Api(rig, random.fork('api')),
      environments: [],
      targets: [],
      faults,
      figures,
      sightings: [],
      typing: new Map(),
      unfinished: new Set(),
      asked: new Map(),
      over: AbortSignal.any([over.signal, signal]),
    }
    await settle(scene, options.environments, random.fork('scene'))
    const bystanders = new Map<string, string>()
    for (const target of scene.targets) bystanders.set(target.name, await target.bystanders())
    tell(
      `${scene.environments.length} environments with ${scene.targets.length} targets; it burns for ${options.seconds} s`,
    )

    const ended = Promise.all([
      reap(scene, random.fork('reaper')),
      supervise(scene, random.fork('supervisor')),
      watch(scene, random.fork('watcher')),
      ...[1, 2].map((number) => decide(scene!, random.fork(`person ${number}`))),
      ...scene.environments.map((one) => own(scene!, one, random.fork(one.name))),
      ...scene.targets.map((target) => sabotage(scene!, target, random.fork(`wire of ${target.name}`))),
    ])
    await Promise.race([sleep(options.seconds * 1000, undefined, { signal }), ended])
    over.abort()
    await Promise.race([ended, rejection(signal)])
    calm.now = true
    tell(`${faults.total} faults; everything comes to rest`)
    const rested = await comeToRest(scene, signal, tell)
    tell(`everything has ended ${Math.round(rested / 1000)} s after the last program was up again`)
    const stuck = await rotateInCalm({ ...scene, over: signal }, signal, tell)

    tell('the evidence is gathered')
    const evidence = await collectEvidence({
      rig,
      targets: scene.targets,
      bystanders,
      sightings: scene.sightings,
      asked: [...scene.asked.values()],
    })
    countOutcomes(evidence, figures)
    return await use({
      faults,
      figures,
      evidence,
      violations: [...checkInvariants(evidence), ...stuck],
      historyOf: (violation) => historyOf(rig, violation),
    })
  } finally {
    over.abort()
    await rig.close()
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason as Error)
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}

/** Environments with one to three targets of mixed kinds; every third has a schedule that ticks each minute. */
async function settle(scene: Scene, count: number, random: Random): Promise<void> {
  const { rig, api } = scene
  let kinds = 0
  const inTurn = (): string => TARGET_KINDS[kinds++ % TARGET_KINDS.length]!.name
  for (let index = 1; index <= count; index += 1) {
    const paths: Owned['paths'] = []
    for (let number = random.whole(1, 2); number > 0; number -= 1) {
      const target = await rig.makeTarget(inTurn())
      paths.push({ key: `path${paths.length + 1}`, target })
    }
    const firstText = `values:\n  note: first\n${paths.map(({ key, target }) => target.yaml(key)).join('')}`
    const name = `fire/env-${index}`
    const id = await rig.makeEnvironment(name)
    const saved = await api.insist('PATCH', name, { text: firstText })
    if (saved.status !== 200) throw new Error(`the first definition was refused: ${saved.text}`)
    const owned: Owned = { name, id, firstText, paths, scheduleId: undefined }
    if (index % 3 === 0) {
      const made = await api.insist('POST', `${name}/schedules`, { json: { scheduleCron: '* * * * *' } })
      owned.scheduleId = (JSON.parse(made.text) as { id?: string }).id
      if (owned.scheduleId === undefined) throw new Error(`the schedule was refused: ${made.text}`)
    }
    scene.environments.push(owned)
    scene.targets.push(...paths.map(({ target }) => target))
  }
}

function countOutcomes({ rows, events, requests, seen }: Evidence, figures: Counts): void {
  const finals = new Map(rows.map((row) => [row.id, row])).values()
  for (const { outcome, code, sentUntil } of finals) {
    figures.add('rotations begun')
    figures.add(`rotations ${outcome ?? 'open'}${code === null ? '' : ` ${code}`}`)
    if (sentUntil !== null) figures.add('rotations that sent a change')
  }
  for (const { trigger } of new Map(events.map((event) => [event.id, event])).values())
    figures.add(`events by ${trigger}`)
  for (const { status } of new Map(requests.map((request) => [request.id, request])).values())
    figures.add(`requests ${status}`)
  for (const { what, effectiveAt } of seen)
    figures.add(`on the wire: ${what}${effectiveAt === null ? ' without effect' : ''}`)
}

async function historyOf({ db, client }: Rig, { environmentId, rotationId }: Violation): Promise<string> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', s.at, r.path, r.id, 'fence', s.fence, s.step, s.code, '|', r.outcome, r.failure_code, r.message,
      'sent until', r.sent_until, 'settled', r.settled_at) as line
    from rotations r left join rotation_steps s on s.rotation_id = r.id
    where r.id::text = ${rotationId ?? ''} or (${rotationId ?? ''} = '' and r.environment_id::text = ${environmentId ?? ''})
    order by s.id desc limit 60`.execute(db)
  const events = await sql<{ workflow_id: string; run_id: string }>`
    select distinct e.workflow_id, e.run_id from rotation_events e join rotations r on r.event_id = e.id
    where r.id::text = ${rotationId ?? ''}`.execute(db)
  const lines = rows.map(({ line }) => line).toReversed()
  for (const { workflow_id, run_id } of events.rows) {
    lines.push(`workflow ${workflow_id} ${run_id}`)
    const { events: history } = await client.workflow.getHandle(workflow_id, run_id).fetchHistory()
    for (const event of history ?? [])
      lines.push(
        `  ${String(event.eventId)} ${JSON.stringify(event, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).slice(0, 300)}`,
      )
  }
  return lines.join('\n')
}
