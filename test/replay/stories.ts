/**
 * Every way through the workflows, as a story that a real Temporal plays with activities that answer as it needs: record.ts
 * records what is missing, replay.test.ts sees that none is and that all replay. A new way gets a new story.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import type { CommitResult, PathResult, Plan, PlannedRotation, SweepResult } from '../../activities/index.ts'
import { codeFailure } from '../../activities/guarded.ts'
import { requestRotation, rotateNow, type RotateEnvironmentInput } from '../../workflows/messages.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts'

export interface Story {
  name: string
  input: RotateEnvironmentInput
  plans: Plan[]
  commits?: CommitResult[]
  rotate?: (path: string, attempt: number) => Promise<PathResult>
  during?: (client: Client, workflowId: string) => Promise<void>
  /** What begins the run; the API's update where absent. */
  /** Every so many calls of plan and of commit are refused before one is answered. */
  failing?: number
  begunBy?: 'schedule' | 'signal' | 'sweep' | 'rehearsal'
  sweep?: (attempt: number) => Promise<SweepResult>
}

const rotation = (path: string, more: Partial<PlannedRotation> = {}): PlannedRotation => ({
  id: path,
  path,
  rotator: 'postgres',
  dependsOn: [],
  outcome: null,
  code: null,
  ...more,
})
const event = (eventId: string, rotations: PlannedRotation[], trigger = 'manual'): Plan => ({
  kind: 'event',
  eventId,
  environment: 'main/app/prod',
  trigger,
  rotations,
})
const committed = (rotations: PathResult[], revision: number | null = 3): CommitResult => ({
  kind: 'committed',
  summary: {
    outcome: rotations.every(({ outcome }) => outcome === 'succeeded') ? 'succeeded' : 'failed',
    revision,
    rotations,
  },
})
/** As `committed`, by a worker that says whether anybody waits for another event. */
const committedAnd = (waiting: boolean, ...of: Parameters<typeof committed>): CommitResult => ({
  ...(committed(...of) as CommitResult & { kind: 'committed' }),
  waiting,
})
const idle = (reason: 'no request' | 'joined' | 'not due'): Plan => ({ kind: 'idle', reason })
const succeeded = (path: string): PathResult => ({ path, outcome: 'succeeded', code: null })
const input = { environmentId: 'recorded' }

const signal: Story['during'] = async (client, workflowId) => {
  await sleep(300)
  await client.workflow.getHandle(workflowId).signal(rotateNow)
}
const askAgain: Story['during'] = async (client, workflowId) => {
  await sleep(300)
  await client.workflow.getHandle(workflowId).executeUpdate(requestRotation)
}

const NAMES = SEARCH_ATTRIBUTES.map(({ name }) => name)

const SWEPT: SweepResult = { asked: 1, unsettled: 2 }

export const STORIES: Story[] = [
  {
    name: 'one-path-succeeds',
    input,
    plans: [event('e1', [rotation('db')]), idle('no request')],
    commits: [committed([succeeded('db')])],
  },
  {
    name: 'one-of-three-fails-and-is-retried-first',
    input,
    plans: [
      event('e1', [rotation('a'), rotation('b', { dependsOn: ['a'] }), rotation('c')]),
      idle('no request'),
    ],
    commits: [
      committed([succeeded('a'), { path: 'b', outcome: 'failed', code: 'LOGIN_FAILED' }, succeeded('c')]),
    ],
    rotate: async (path, attempt) => {
      if (path === 'a' && attempt === 1) throw codeFailure('TARGET_UNREACHABLE')
      return path === 'b' ? { path, outcome: 'failed', code: 'LOGIN_FAILED' } : succeeded(path)
    },
  },
  {
    name: 'search-attributes-of-one-that-partly-fails',
    input,
    plans: [
      {
        ...event('e1', [rotation('a'), rotation('b')]),
        searchAttributes: NAMES,
        refused: [
          { eventId: 'e0', environment: 'main/app/prod', trigger: 'schedule', code: 'INPUT_INVALID' },
        ],
      },
      idle('no request'),
    ],
    commits: [
      {
        ...committed([succeeded('a'), { path: 'b', outcome: 'failed', code: 'LOGIN_FAILED' }]),
        searchAttributes: NAMES,
      } as CommitResult,
    ],
    rotate: async (path) =>
      path === 'b' ? { path, outcome: 'failed', code: 'LOGIN_FAILED' } : succeeded(path),
  },
  {
    name: 'search-attributes-of-one-that-was-refused',
    input,
    plans: [
      {
        ...idle('no request'),
        searchAttributes: NAMES,
        refused: [
          { eventId: 'e0', environment: 'main/app/prod', trigger: 'manual', code: 'PERMISSION_DENIED' },
        ],
      },
      idle('no request'),
    ],
  },
  {
    name: 'verified-again-before-commit',
    input,
    plans: [event('e1', [rotation('db')]), idle('no request')],
    commits: [{ kind: 'verify again', rotationIds: ['db'] }, committed([succeeded('db')])],
  },
  {
    name: 'nobody-waits-after-the-commit',
    input,
    plans: [event('e1', [rotation('db')])],
    commits: [committedAnd(false, [succeeded('db')])],
  },
  {
    name: 'nobody-waits-after-a-scheduled-one',
    input: { ...input, scheduleId: 's1' },
    begunBy: 'schedule',
    plans: [event('e1', [rotation('db')], 'schedule')],
    commits: [committedAnd(false, [succeeded('db')])],
  },
  {
    name: 'somebody-waits-after-the-commit',
    input,
    plans: [event('e1', [rotation('db')]), event('e2', [rotation('other')])],
    commits: [committedAnd(true, [succeeded('db')]), committedAnd(false, [succeeded('other')], 4)],
    rotate: async (path) => {
      if (path === 'db') await sleep(700)
      return succeeded(path)
    },
    during: askAgain,
  },
  {
    name: 'signal-while-nobody-waits',
    input,
    plans: [event('e1', [rotation('db')]), event('e2', [rotation('db')], 'signal')],
    commits: [committedAnd(false, [succeeded('db')]), committedAnd(false, [succeeded('db')], 4)],
    rotate: async (path) => {
      await sleep(700)
      return succeeded(path)
    },
    during: signal,
  },
  {
    name: 'not-due',
    input: { ...input, scheduleId: 's', dueAt: '2026-03-29T02:30:00.000Z' },
    plans: [idle('not due')],
  },
  { name: 'joined', input, plans: [idle('joined')] },
  {
    name: 'superseded',
    input,
    plans: [event('e1', [rotation('db')]), idle('no request')],
    commits: [{ kind: 'superseded' }],
  },
  {
    name: 'signal-while-rotating',
    input,
    plans: [
      event('e1', [rotation('db')]),
      event('e2', [rotation('db')]),
      idle('no request'),
      idle('no request'),
    ],
    commits: [committed([succeeded('db')]), committed([succeeded('db')], 4)],
    rotate: async (path) => {
      await sleep(700)
      return succeeded(path)
    },
    during: signal,
  },
  {
    name: 'cancelled-while-rotating',
    input: { ...input, limits: { concurrency: 1 } },
    plans: [event('e1', [rotation('a'), rotation('b')]), idle('no request')],
    commits: [committed([succeeded('a'), { path: 'b', outcome: 'failed', code: 'CANCELLED' }])],
    rotate: async (path) => {
      await sleep(700)
      return path === 'a' ? succeeded(path) : { path, outcome: 'failed', code: 'CANCELLED' }
    },
    during: async (client, workflowId) => {
      await sleep(300)
      await client.workflow.getHandle(workflowId).cancel()
    },
  },
  {
    name: 'nothing-waits',
    input,
    plans: [idle('no request')],
  },
  {
    name: 'begun-by-a-schedule',
    input: { ...input, scheduleId: 's' },
    begunBy: 'schedule',
    plans: [event('e1', [rotation('db')], 'schedule'), idle('no request')],
    commits: [committed([succeeded('db')])],
  },
  {
    name: 'begun-by-a-signal',
    input,
    begunBy: 'signal',
    plans: [idle('no request'), event('e1', [rotation('db')], 'signal'), idle('no request')],
    commits: [committed([succeeded('db')])],
  },
  {
    name: 'asked-again-while-rotating',
    input,
    plans: [event('e1', [rotation('db')]), event('e2', [rotation('other')]), idle('no request')],
    commits: [committed([succeeded('db')]), committed([succeeded('other')], 4)],
    rotate: async (path) => {
      await sleep(700)
      return succeeded(path)
    },
    during: askAgain,
  },
  {
    name: 'more-paths-than-rotate-at-once',
    input: { ...input, limits: { concurrency: 2 } },
    plans: [
      event('e1', [
        rotation('a'),
        rotation('b', { dependsOn: ['a'] }),
        rotation('c'),
        rotation('d'),
        rotation('e', { dependsOn: ['c', 'd'] }),
      ]),
      idle('no request'),
    ],
    commits: [committed(['a', 'b', 'c', 'd', 'e'].map(succeeded))],
    rotate: async (path) => {
      await sleep(path === 'a' ? 400 : 100)
      return succeeded(path)
    },
  },
  {
    name: 'paths-that-ended-before-they-began',
    input,
    plans: [
      event('e1', [
        rotation('a', { outcome: 'skipped', code: 'TOO_SOON' }),
        rotation('b', { outcome: 'failed', code: 'TARGET_TAKEN' }),
        rotation('c'),
      ]),
      idle('no request'),
    ],
    commits: [
      committed([
        { path: 'a', outcome: 'skipped', code: 'TOO_SOON' },
        { path: 'b', outcome: 'failed', code: 'TARGET_TAKEN' },
        succeeded('c'),
      ]),
    ],
  },
  {
    name: 'a-path-without-an-outcome',
    input,
    plans: [event('e1', [rotation('a'), rotation('b')]), idle('no request')],
    commits: [committed([{ path: 'a', outcome: 'unknown', code: 'OUTCOME_UNKNOWN' }, succeeded('b')])],
    rotate: async (path) => {
      if (path === 'a') throw codeFailure('INTERNAL', { nonRetryable: true })
      return succeeded(path)
    },
  },
  {
    name: 'an-attempt-that-is-lost',
    input: { ...input, limits: { heartbeat: 1_000 } },
    plans: [event('e1', [rotation('db')]), idle('no request')],
    commits: [committed([succeeded('db')])],
    rotate: async (path, attempt) => {
      if (attempt === 1) await sleep(2_500)
      return succeeded(path)
    },
  },
  {
    name: 'plan-and-commit-that-are-tried-again',
    input,
    failing: 2,
    plans: [event('e1', [rotation('db')]), idle('no request')],
    commits: [committed([succeeded('db')])],
  },
  {
    name: 'sweep',
    input,
    begunBy: 'sweep',
    plans: [],
    sweep: () => Promise.resolve(SWEPT),
  },
  {
    name: 'sweep-that-is-tried-again',
    input,
    begunBy: 'sweep',
    plans: [],
    sweep: (attempt) => (attempt === 1 ? Promise.reject(codeFailure('INTERNAL')) : Promise.resolve(SWEPT)),
  },
  { name: 'rehearsal', input, begunBy: 'rehearsal', plans: [] },
]
