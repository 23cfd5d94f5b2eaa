/** Each invariant finds what breaks it: a small world that breaks none, and in it one violation after the other. */
import { describe, expect, test } from 'vitest'
import type { Evidence, RowVersion, Witnessed } from './evidence.ts'
import { checkInvariants, INVARIANTS } from './invariants.ts'

const ENVIRONMENT = 'e0000000-0000-4000-8000-000000000001'
const OTHER = 'e0000000-0000-4000-8000-000000000002'

/** The versions that a rotation of user `identity` leaves, begun at `at`: planned, prepared, sent, applied, verified, published. */
function rotation(id: string, eventId: string, identity: string, at: number): RowVersion[] {
  const base: RowVersion = {
    seq: at,
    committedAt: at,
    id,
    eventId,
    environmentId: ENVIRONMENT,
    path: 'db',
    target: 'shop',
    step: 'planned',
    outcome: null,
    code: null,
    message: null,
    fence: 0,
    sentUntil: null,
    settledAt: null,
    createdAt: at,
    prepared: null,
    burntCount: 0,
    identity: null,
  }
  const prepared = { ...base, fence: 1, step: 'prepared', prepared: `value of ${id}`, identity }
  const sent = { ...prepared, sentUntil: at + 3_000 }
  const version = (row: RowVersion, offset: number) => ({
    ...row,
    seq: at + offset,
    committedAt: at + offset,
  })
  return [
    base,
    version(prepared, 20),
    version(sent, 30),
    version({ ...sent, step: 'applied' }, 60),
    version({ ...sent, step: 'verified' }, 90),
    version({ ...sent, step: 'published', outcome: 'succeeded', settledAt: at + 100 }, 100),
  ]
}

const login = (identity: string, at: number): Witnessed => ({
  target: 'shop',
  what: 'login',
  at,
  deliveredAt: at,
  identity,
  value: null,
  effectiveAt: at,
  saidBy: [],
})

const set = (rotationId: string, identity: string, began: number): Witnessed => ({
  ...login(identity, began + 40),
  what: 'set',
  value: 'digest',
  deliveredAt: began + 41,
  effectiveAt: began + 45,
  saidBy: [
    { rotationId, seq: began + 30, committedAt: began + 30, sentUntil: began + 3_000, removes: false },
  ],
})

/** Two rotations of one path, one after the other; nothing is wrong with it. */
function world(): Evidence {
  const event = (id: string, at: number, postRevision: number) => [
    {
      seq: at,
      committedAt: at,
      id,
      environmentId: ENVIRONMENT,
      trigger: 'manual',
      action: 'rotate',
      occasion: `schedule s1 ${id}`,
      outcome: null,
      postRevision: null,
      completed: false,
    },
    {
      seq: at + 100,
      committedAt: at + 100,
      id,
      environmentId: ENVIRONMENT,
      trigger: 'manual',
      action: 'rotate',
      occasion: `schedule s1 ${id}`,
      outcome: 'succeeded',
      postRevision,
      completed: true,
    },
  ]
  const revision = (
    number: number,
    eventId: string | null,
    committedAt: number,
    slots: [string, string | null] | null,
  ) => ({
    environmentId: ENVIRONMENT,
    number,
    eventId,
    committedAt,
    written: `text ${number}`,
    stored: `text ${number}`,
    states: slots ? [{ path: 'db', target: 'shop', current: slots[0], previous: slots[1] }] : [],
  })
  const probe = (slot: 'current' | 'previous', identity: string) => ({
    environmentId: ENVIRONMENT,
    path: 'db',
    target: 'shop',
    revision: 3,
    slot,
    identity,
    works: true,
  })
  const request = (id: string, key: string, eventId: string) => ({
    seq: 1,
    id,
    environmentId: ENVIRONMENT,
    key,
    status: 'served',
    eventId,
  })
  return {
    environments: [
      { id: ENVIRONMENT, name: 'fire/one', deleted: false },
      { id: OTHER, name: 'fire/other', deleted: false },
    ],
    rows: [...rotation('r1', 'ev1', 'a', 1_000), ...rotation('r2', 'ev2', 'b', 2_000)],
    events: [...event('ev1', 1_000, 2), ...event('ev2', 2_000, 3)],
    requests: [request('q1', 'client/1', 'ev1'), request('q2', 'client/2', 'ev2')],
    claims: [{ seq: 1, removed: false, claim: 'postgres://shop/a', environmentId: ENVIRONMENT, path: 'db' }],
    revisions: [
      revision(1, null, 500, null),
      revision(2, 'ev1', 1_100, ['a', null]),
      revision(3, 'ev2', 2_100, ['b', 'a']),
    ],
    seen: [
      set('r1', 'a', 1_000),
      login('a', 1_070),
      login('a', 2_010),
      set('r2', 'b', 2_000),
      login('b', 2_070),
      login('a', 2_080),
    ],
    handedOver: { shop: ['a', 'b'], keys: null },
    probes: [probe('current', 'b'), probe('previous', 'a')],
    sightings: [],
    holdings: [
      { target: 'shop', identity: 'a', foreign: false, known: 'revision 3' },
      { target: 'shop', identity: 'b', foreign: false, known: 'revision 3' },
    ],
    bystanders: [{ target: 'shop', before: 'same', after: 'same' }],
    asked: [{ environmentId: ENVIRONMENT, key: '1', eventIds: ['ev1', 'ev1'] }],
    workflows: [{ workflowId: `rotate/${ENVIRONMENT}`, runId: 'run', status: 'COMPLETED', failures: [] }],
    leaks: [],
    searched: { store: 1, Temporal: 1, logs: 1 },
  }
}

const last = (evidence: Evidence, id: string): RowVersion => evidence.rows.findLast((row) => row.id === id)!

/** A third rotation, of the slot `a`, that failed after it had sent its change. */
function failedThird(evidence: Evidence, change: Partial<RowVersion>): void {
  const versions = rotation('r3', 'ev3', 'a', 3_000).slice(0, 3)
  evidence.rows.push(...versions, { ...versions[2]!, seq: 3_100, committedAt: 3_100, ...change })
  evidence.events.push(
    ...evidence.events
      .filter(({ id }) => id === 'ev2')
      .map((event) => ({
        ...event,
        id: 'ev3',
        occasion: null,
        seq: event.seq + 1_000,
        committedAt: event.committedAt + 1_000,
        postRevision: null,
      })),
  )
  evidence.seen.push(login('b', 3_010))
}

test('a world without a violation has none', () => {
  expect(checkInvariants(world())).toEqual([])
  const failed = world()
  failedThird(failed, { outcome: 'unknown', code: 'OUTCOME_UNKNOWN' })
  failed.probes[1]!.works = false
  expect(checkInvariants(failed)).toEqual([])
})

/** The rotation that published `b` goes back to it instead: it was made before, and is only tested. */
function undone(evidence: Evidence): void {
  evidence.rows = evidence.rows.filter(({ id, step }) => id !== 'r2' || !/^(prepared|applied)$/.test(step))
  for (const row of evidence.rows) if (row.id === 'r2') row.sentUntil = null
  for (const event of evidence.events) if (event.id === 'ev2') event.action = 'undo'
  evidence.seen = evidence.seen.filter(({ what, identity }) => what !== 'set' || identity !== 'b')
}

test('what people go back to must have logged in since they asked', () => {
  const back = world()
  undone(back)
  expect(checkInvariants(back)).toEqual([])
  back.seen = back.seen.map((one) => (one.identity === 'b' ? { ...one, at: 1_950, effectiveAt: 1_950 } : one))
  expect(checkInvariants(back)).toMatchObject([{ invariant: 1 }])
})

const PLANTED: [number, string, (evidence: Evidence) => void][] = [
  [1, 'the newest current does not log in', (e) => (e.probes[0]!.works = false)],
  [1, 'current was refused while it burned', (e) => e.sightings.push(sighting('current'))],
  [
    1,
    'published without a log-in',
    (e) => (e.seen = e.seen.filter(({ identity, what }) => identity !== 'b' || what !== 'login')),
  ],
  [
    1,
    'its log-in was refused',
    (e) => (e.seen.find(({ identity, what }) => identity === 'b' && what === 'login')!.effectiveAt = null),
  ],
  [
    1,
    'the published slot is changed again',
    (e) => e.seen.push({ ...set('r2', 'b', 2_000), at: 2_300, effectiveAt: 2_305 }),
  ],
  [2, 'previous does not log in, and nothing has begun', (e) => (e.probes[1]!.works = false)],
  [2, 'previous was refused while it burned', (e) => e.sightings.push(sighting('previous'))],
  [
    2,
    'an older rotation changes previous',
    (e) => e.seen.push({ ...set('r1', 'a', 1_000), at: 1_050, effectiveAt: 2_500 }),
  ],
  [
    2,
    'current had not logged in before the change',
    (e) => (e.seen = e.seen.filter(({ at }) => at !== 2_010)),
  ],
  [3, 'no row says it', (e) => (e.seen[0]!.saidBy = [])],
  [3, 'the row says it a moment too late', (e) => (e.seen[0]!.saidBy[0]!.committedAt = e.seen[0]!.at + 20)],
  [4, 'nobody knows what the target holds', (e) => (e.holdings[0]!.known = null)],
  [5, 'a bystander changed', (e) => (e.bystanders[0]!.after = 'other')],
  [5, 'a user that nobody handed over', (e) => (e.seen[0]!.identity = 'root')],
  [5, 'a key that Rekey had not made', (e) => e.seen.push(removal('AKIAFOREIGN'))],
  [6, 'two open events', (e) => e.events.unshift(...e.events.splice(2, 1))],
  [6, 'an older attempt writes', (e) => (last(e, 'r2').fence = 0)],
  [
    6,
    'a closed row is changed',
    (e) =>
      e.rows.push({ ...last(e, 'r1'), seq: 9_000, outcome: 'failed', code: 'CONFLICT', step: 'published' }),
  ],
  [6, 'a step back', (e) => e.rows.splice(5, 0, { ...e.rows[1]!, seq: 1_095, committedAt: 1_095 })],
  [6, 'a target changes hands', (e) => e.claims.push({ ...e.claims[0]!, seq: 2, environmentId: OTHER })],
  [6, 'an older change lands after a newer one began', (e) => (e.seen[0]!.effectiveAt = 2_040)],
  [
    6,
    'a change lands after its deadline',
    (e) => (e.seen.find(({ what, identity }) => what === 'set' && identity === 'b')!.effectiveAt = 5_900),
  ],
  [7, 'a request that nobody served', (e) => (e.requests[0]!.status = 'waiting')],
  [7, 'one id, two requests', (e) => (e.requests[1]!.key = 'client/1')],
  [7, 'one id, two events', (e) => e.asked[0]!.eventIds.push('ev2')],
  [7, 'one due time, two events', (e) => e.events.forEach((event) => (event.occasion = 'schedule s1 noon'))],
  [
    7,
    'a path twice in an event',
    (e) => e.rows.filter(({ id }) => id === 'r2').forEach((row) => (row.eventId = 'ev1')),
  ],
  [7, 'two values in one rotation', (e) => (e.rows[3]!.prepared = 'another value')],
  [
    7,
    'two keys left by one rotation',
    (e) => {
      for (const row of e.rows) row.target = 'keys'
      for (const one of e.seen) one.target = 'keys'
      for (const { states } of e.revisions) for (const state of states) state.target = 'keys'
      e.seen[0]!.what = 'make'
      e.seen.splice(1, 0, { ...e.seen[0]!, identity: 'second' })
    },
  ],
  [8, 'a text that changed', (e) => (e.revisions[0]!.stored = 'other')],
  [8, 'a revision is gone', (e) => (e.revisions[0]!.stored = null)],
  [8, 'a gap', (e) => (e.revisions[2]!.number = 4)],
  [8, 'two revisions of one event', (e) => (e.revisions[0]!.eventId = 'ev1')],
  [8, 'an event without an end', (e) => e.events.pop()],
  [8, 'an event that names another revision', (e) => (e.events[3]!.postRevision = 2)],
  [8, 'ended before its rotation', (e) => (last(e, 'r2').outcome = null)],
  [8, 'succeeded without being published', (e) => (last(e, 'r2').step = 'verified')],
  [
    8,
    'unknown, and nobody knows what was sent',
    (e) => failedThird(e, { outcome: 'unknown', code: 'OUTCOME_UNKNOWN', prepared: null, identity: null }),
  ],
  [9, 'a leak', (e) => e.leaks.push({ place: 'logs', what: 'after "password="' })],
  [9, 'nobody looked', (e) => (e.searched.Temporal = 0)],
  [
    10,
    'a code of its own',
    (e) => failedThird(e, { outcome: 'failed', code: 'OOPS', message: 'it did not work out' }),
  ],
  [10, 'no code', (e) => failedThird(e, { outcome: 'failed', message: 'it did not work out' })],
  [10, 'a defect', (e) => failedThird(e, { outcome: 'failed', code: 'INTERNAL' })],
  [10, 'no words', (e) => failedThird(e, { outcome: 'failed', code: 'CONFLICT', message: '' })],
  [
    10,
    "a driver's text",
    (e) =>
      failedThird(e, {
        outcome: 'failed',
        code: 'LOGIN_FAILED',
        message: 'password authentication failed for user "x"',
      }),
  ],
  [10, 'a workflow that failed', (e) => (e.workflows[0]!.status = 'FAILED')],
  [
    10,
    'words in a history',
    (e) =>
      e.workflows[0]!.failures.push({
        kind: 'application',
        type: 'INTERNAL',
        message: 'ECONNREFUSED',
        stack: false,
      }),
  ],
  [
    10,
    'a stack in a history',
    (e) =>
      e.workflows[0]!.failures.push({
        kind: 'application',
        type: 'INTERNAL',
        message: 'INTERNAL',
        stack: true,
      }),
  ],
]

const sighting = (slot: 'current' | 'previous') => ({
  at: 1,
  environmentId: ENVIRONMENT,
  path: 'db',
  slot,
  identity: 'a',
  what: 'refused',
})

const removal = (identity: string): Witnessed => ({
  ...set('r2', identity, 2_000),
  what: 'remove',
  target: 'keys',
  saidBy: [{ rotationId: 'r2', seq: 2_030, committedAt: 2_030, sentUntil: 5_000, removes: true }],
})

describe('a violation is found', () => {
  test.each(PLANTED)('%i: %s', (invariant, _, plant) => {
    const evidence = world()
    plant(evidence)
    const found = checkInvariants(evidence)
    expect(found.map((violation) => violation.invariant)).toContain(invariant)
    for (const violation of found) expect(violation.evidence).toBeDefined()
  })

  test('of every invariant', () => {
    expect(new Set(PLANTED.map(([invariant]) => invariant))).toEqual(
      new Set(INVARIANTS.map(({ number }) => number)),
    )
    expect(INVARIANTS.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })
})
