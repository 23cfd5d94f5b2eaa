/**
 * Records the histories that replay.test.ts replays: `node test/replay/record.ts`. Workflow code against a real Temporal,
 * with activities that answer as each story needs. Run it for a new path through the workflow, under a new name; the
 * files that are there stay, for they stand for runs that may be open while workers are replaced.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import type { Activities, CommitResult, PathResult, Plan, PlannedRotation } from '../../activities/index.ts'
import { codeFailure } from '../../activities/guarded.ts'
import { registerSearchAttributes } from '../../client/search-attributes.ts'
import { startTemporal } from '../../embedded/temporal.ts'
import { WORKFLOWS_PATH } from '../../worker/options.ts'
import { requestRotation, rotateNow, type RotateEnvironmentInput } from '../../workflows/messages.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts'

const FOLDER = fileURLToPath(new URL('histories/', import.meta.url))

interface Story {
  name: string
  input: RotateEnvironmentInput
  plans: Plan[]
  commits?: CommitResult[]
  rotate?: (path: string, attempt: number) => Promise<PathResult>
  during?: (client: Client, workflowId: string) => Promise<void>
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
const event = (eventId: string, rotations: PlannedRotation[]): Plan => ({
  kind: 'event',
  eventId,
  environment: 'main/app/prod',
  trigger: 'manual',
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
const idle = (reason: 'no request' | 'joined' | 'not due'): Plan => ({ kind: 'idle', reason })
const succeeded = (path: string): PathResult => ({ path, outcome: 'succeeded', code: null })
const input = { environmentId: 'recorded' }

const NAMES = SEARCH_ATTRIBUTES.map(({ name }) => name)

const STORIES: Story[] = [
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
    during: async (client, workflowId) => {
      await sleep(300)
      await client.workflow.getHandle(workflowId).signal(rotateNow)
    },
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
]

function activitiesOf(story: Story): Activities {
  const [plans, commits] = [[...story.plans], [...(story.commits ?? [])]]
  const attempts = new Map<string, number>()
  return {
    planRotation: () => Promise.resolve(plans.length > 1 ? plans.shift()! : plans[0]!),
    commitRevision: () => Promise.resolve(commits.shift()!),
    rotateSecret: async ({ rotationId }) => {
      attempts.set(rotationId, (attempts.get(rotationId) ?? 0) + 1)
      return (await story.rotate?.(rotationId, attempts.get(rotationId)!)) ?? succeeded(rotationId)
    },
  }
}

const data = mkdtempSync(join(tmpdir(), 'rekey-record-'))
const server = await startTemporal({ databaseFile: join(data, 'temporal.db'), uiPort: false })
Runtime.install({ logger: new DefaultLogger('WARN') })
const client = new Client({
  connection: await Connection.connect({ address: server.address }),
  identity: 'recorder',
})
const connection = await NativeConnection.connect({ address: server.address })
try {
  await registerSearchAttributes(client)
  for (const story of STORIES) {
    const file = join(FOLDER, `${story.name}.json`)
    if (existsSync(file)) continue
    const workflowId = `rotate/${story.name}`
    const worker = await Worker.create({
      connection,
      taskQueue: story.name,
      identity: 'recorder',
      workflowsPath: WORKFLOWS_PATH,
      activities: activitiesOf(story),
    })
    await worker.runUntil(async () => {
      const operation = new WithStartWorkflowOperation('rotateEnvironment', {
        workflowId,
        taskQueue: story.name,
        args: [story.input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `main/app/prod · ${story.name}`,
      })
      await client.workflow.executeUpdateWithStart(requestRotation, { startWorkflowOperation: operation })
      await story.during?.(client, workflowId)
      await client.workflow.getHandle(workflowId).result()
    })
    const history = await client.workflow.getHandle(workflowId).fetchHistory()
    writeFileSync(file, `${historyToJSON(history)}\n`)
    console.log(`recorded ${story.name}`)
  }
} finally {
  await client.connection.close()
  await connection.close()
  await server.stop()
  rmSync(data, { recursive: true, force: true })
}
