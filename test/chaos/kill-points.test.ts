/**
 * A worker that is killed, or stopped until long after its deadline and woken, at every point between two steps, for
 * every kind of target; then all ten invariants from outside. A point that no scenario comes to fails the test.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FAILURES, isFailureCode } from '../../model/failures.ts'
import { Api } from './api.ts'
import { collectEvidence } from './collect.ts'
import { publishedIdentities, untilIdle } from './idle.ts'
import { checkInvariants } from './invariants.ts'
import { pointsInSource } from './points.ts'
import { Random } from './random.ts'
import { LIMITS, startRig, type Rig } from './rig.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'
import { HALTED_KINDS } from './targets/index.ts'
import type { ChaosTarget } from './targets/target.ts'
import type { WorkerPlan } from './worker.ts'

interface Case {
  scenario: Scenario
  target: ChaosTarget
  name: string
  id: string
  point: string
}

/** As many at once as a small machine can do in time. */
const LANES = 8
/** How long the points are waited for that a loaded machine comes to late. */
const PATIENCE = 60_000

const stop = new AbortController()
const random = new Random(1)
/** Points that each environment passed or reached since it was last asked. */
const passed = new Map<string, Set<string>>()
const reached = new Set<string>()
const bystanders = new Map<string, string>()
const targets: ChaosTarget[] = []
let halt: WorkerPlan['halt']
let halted = Promise.withResolvers<void>()
let rig: Rig
let api: Api

beforeAll(async () => {
  rig = await startRig({
    random,
    signal: stop.signal,
    workers: 2,
    servers: 1,
    kinds: HALTED_KINDS,
    record: true,
    struck: () => {},
    halt: () => halt,
    said(_program, line) {
      const [, word, id, point] = /^(passed|reached) (\S+) (.+)$/.exec(line) ?? []
      if (word === 'passed') passed.set(id!, (passed.get(id!) ?? new Set()).add(point!))
      if (word === 'reached') reached.add(`${id} ${point}`)
      if (line.startsWith('halted')) halted.resolve()
    },
  })
  rig.servers[0]!.start()
  await rig.servers[0]!.ready(stop.signal)
  api = new Api(rig, random)
}, 120_000)
afterAll(async () => {
  stop.abort()
  await rig?.close()
}, 60_000)

async function makeCase(scenario: Scenario, kind: string, point: string): Promise<Case> {
  // Of a key that others may have made nothing is settled without a person.
  const target = await rig.makeTarget(kind, true)
  targets.push(target)
  bystanders.set(target.name, await target.bystanders())
  const name = `kill/${target.name}`
  const id = await rig.makeEnvironment(name)
  const saved = await api.insist('PATCH', name, { text: `values:\n${target.yaml('path1')}` })
  expect(saved).toMatchObject({ status: 200 })
  return { scenario, target, name, id, point }
}

const rotate = ({ name }: Pick<Case, 'name'>) => api.rotate(name, randomUUID(), () => {}, stop.signal)

/** Until it has succeeded: on a machine that is busy otherwise, deadlines pass. */
async function rotateInCalm(one: Pick<Case, 'name'>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await rotate(one)
    if (answer?.status === 'succeeded') return
    const passing = answer?.rotations.every(
      ({ errorCode }) => isFailureCode(errorCode) && FAILURES[errorCode].retry,
    )
    if (!passing || attempt === 6) throw new Error(`${one.name} cannot be rotated: ${JSON.stringify(answer)}`)
  }
}

async function inTurns<T>(list: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const rest = [...list]
  const lane = async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

/** Runs while a worker that comes to no end is there. */
async function withWorker<T>(work: () => Promise<T>): Promise<T> {
  const [worker] = rig.workers
  halt = undefined
  worker!.start()
  await worker!.ready(stop.signal)
  try {
    return await work()
  } finally {
    await worker!.kill()
  }
}

/** With two keys at AWS there is no room, so that a rotation deletes one first. */
async function rotateTwice(cases: Case[]): Promise<void> {
  await inTurns(cases, async (one) => {
    for (const _ of [1, 2]) await rotateInCalm(one)
  })
}

/** What scenarios need to have happened before; those that need nothing wait for the others. */
async function prepare(cases: Case[]): Promise<void> {
  await Promise.all(
    cases.map(async ({ scenario, target, name, id }) => {
      await scenario.before?.(
        target,
        () => rotate({ name }),
        () => publishedIdentities(rig, id),
      )
    }),
  )
}

function scenariosOf(kind: string, points: RegExp | undefined): Scenario[] {
  if (points) return SCENARIOS.slice(0, 1)
  return SCENARIOS.filter(({ kinds }) => kinds?.includes(kind) ?? true)
}

/** For each kind and point, the first scenario whose rotation passes there. */
async function chart(): Promise<{ kind: string; scenario: Scenario; point: string }[]> {
  const found: { kind: string; scenario: Scenario; point: string }[] = []
  await withWorker(async () => {
    const cases = await Promise.all(
      HALTED_KINDS.flatMap(({ name: kind, points }) =>
        scenariosOf(kind, points).map((scenario) => makeCase(scenario, kind, '')),
      ),
    )
    await rotateTwice(cases)
    await prepare(cases)
    passed.clear()
    await Promise.all(
      cases.map(async (one) => {
        one.scenario.during?.(one.target)
        await rotate(one)
        one.target.wire.disarm()
      }),
    )
    for (const { scenario, target, id } of cases)
      for (const point of passed.get(id) ?? [])
        if (
          (HALTED_KINDS.find(({ name }) => name === target.kind)?.points?.test(point) ?? true) &&
          !found.some((other) => other.kind === target.kind && other.point === point)
        )
          found.push({ kind: target.kind, scenario, point })
  })
  return found
}

/** On a machine that is busy otherwise a deadline may pass before its point: those that missed theirs try again. */
async function haltAt(cases: Case[], signal: 'SIGKILL' | 'SIGSTOP'): Promise<void> {
  let missed = cases
  for (let round = 1; round <= 3 && missed.length > 0; round += 1) missed = await haltOnce(missed, signal)
  expect(missed.map(({ point, scenario, target }) => `${point} (${target.kind}, ${scenario.name})`)).toEqual(
    [],
  )
}

/** @returns those that did not come to their point */
async function haltOnce(cases: Case[], signal: 'SIGKILL' | 'SIGSTOP'): Promise<Case[]> {
  await withWorker(() => prepare(cases))
  const worker = rig.workers[1]!
  halted = Promise.withResolvers()
  reached.clear()
  halt = { signal, at: Object.fromEntries(cases.map(({ id, point }) => [id, point])) }
  worker.start()
  await worker.ready(stop.signal)
  for (const { scenario, target } of cases) scenario.during?.(target)
  const asked = cases.map(rotate)
  await Promise.race([halted.promise, sleep(PATIENCE, undefined, { ref: false })])
  const missed = cases.filter(({ id, point }) => !reached.has(`${id} ${point}`))
  worker.signal(signal)
  for (const { target } of cases) target.wire.disarm()
  await withWorker(async () => {
    await Promise.all(asked)
    if (signal === 'SIGSTOP') {
      // It wakes when all is over, and its slot holds another password by then.
      await Promise.all(cases.map(rotate))
      worker.signal('SIGCONT')
      await sleep(5 * LIMITS.changeTimeout)
      await worker.kill()
    }
    await inTurns(cases, rotateInCalm)
    await untilIdle(rig, stop.signal)
  })
  return missed
}

test(
  'SIGKILL and SIGSTOP at every point of every kind of target: all invariants hold',
  { timeout: 900_000 },
  async () => {
    const charted = await chart()
    expect(pointsInSource().filter((point) => !charted.some((one) => one.point === point))).toEqual([])
    const cases = await withWorker(async () => {
      const made: Case[] = []
      for (const { scenario, kind, point } of charted) made.push(await makeCase(scenario, kind, point))
      await rotateTwice(made)
      return made
    })
    await haltAt(cases, 'SIGKILL')
    await haltAt(cases, 'SIGSTOP')
    const evidence = await collectEvidence({ rig, targets, bystanders, sightings: [], asked: [] })
    expect(checkInvariants(evidence)).toEqual([])
  },
)
