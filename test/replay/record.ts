/**
 * Records the histories that replay.test.ts replays: `node test/replay/record.ts`. Workflow code against a real Temporal,
 * with activities that answer as each story needs. The files that are there stay, for they stand for runs that may be
 * open while workers are replaced.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { heartbeat } from '@temporalio/activity'
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import type { Activities, RehearsalActivities, SweepActivities } from '../../activities/index.ts'
import { codeFailure } from '../../activities/guarded.ts'
import { registerSearchAttributes } from '../../client/search-attributes.ts'
import { startTemporal } from '../../embedded/temporal.ts'
import { WORKFLOWS_PATH } from '../../worker/options.ts'
import { requestRotation, rotateNow } from '../../workflows/messages.ts'
import { STORIES, type Story } from './stories.ts'

const FOLDER = fileURLToPath(new URL('histories/', import.meta.url))

function activitiesOf(story: Story): Activities & SweepActivities & RehearsalActivities {
  const [plans, commits] = [[...story.plans], [...(story.commits ?? [])]]
  const attempts = new Map<string, number>()
  const attemptAt = (what: string) => {
    const attempt = (attempts.get(what) ?? 0) + 1
    attempts.set(what, attempt)
    return attempt
  }
  const answer = (what: string) => {
    if (story.failing !== undefined && attemptAt(what) % story.failing !== 0) throw codeFailure('INTERNAL')
  }
  return {
    planRotation: async () => {
      answer('plan')
      return plans.length > 1 ? plans.shift()! : plans[0]!
    },
    commitRevision: async () => {
      answer('commit')
      return commits.shift()!
    },
    rotateSecret: async ({ rotationId }) => {
      const attempt = attemptAt(rotationId)
      heartbeat()
      return (
        (await story.rotate?.(rotationId, attempt)) ?? { path: rotationId, outcome: 'succeeded', code: null }
      )
    },
    sweepUnsettled: async () => await story.sweep!(attemptAt('sweep')),
    rehearseRotations: () => Promise.resolve({ succeeded: 1 }),
  }
}

/** Begins the run of a story. @returns its workflow id */
async function begin(client: Client, story: Story): Promise<string> {
  const workflowId = `rotate/${story.name}`
  const [taskQueue, args] = [story.name, [story.input] as const]
  const staticSummary = `main/app/prod · ${story.name}`
  if (story.begunBy === 'sweep') {
    await client.workflow.start('sweepUnsettled', { workflowId, taskQueue })
    return workflowId
  }
  if (story.begunBy === 'rehearsal') {
    await client.workflow.start('rehearseRotation', {
      workflowId,
      taskQueue,
      args: [{ rehearsalId: 'recorded' }],
    })
    return workflowId
  }
  if (story.begunBy === 'signal') {
    await client.workflow.signalWithStart('rotateEnvironment', {
      workflowId,
      taskQueue,
      args: [...args],
      signal: rotateNow,
      staticSummary,
    })
    return workflowId
  }
  if (story.begunBy === 'schedule') {
    const schedule = await client.schedule.create({
      scheduleId: story.name,
      spec: { calendars: [] },
      action: {
        type: 'startWorkflow',
        workflowType: 'rotateEnvironment',
        workflowId,
        taskQueue,
        args: [...args],
      },
    })
    await schedule.trigger('SKIP')
    for (;;) {
      const [run] = (await schedule.describe()).info.recentActions
      if (run) return run.action.workflow.workflowId
      await sleep(100)
    }
  }
  const operation = new WithStartWorkflowOperation('rotateEnvironment', {
    workflowId,
    taskQueue,
    args: [...args],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary,
  })
  await client.workflow.executeUpdateWithStart(requestRotation, { startWorkflowOperation: operation })
  return workflowId
}

const data = mkdtempSync(join(tmpdir(), 'rekey-record-'))
const server = await startTemporal({ databaseFile: join(data, 'temporal.db'), uiPort: false })
Runtime.install({ logger: new DefaultLogger('ERROR') })
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
    const worker = await Worker.create({
      connection,
      taskQueue: story.name,
      identity: 'recorder',
      workflowsPath: WORKFLOWS_PATH,
      activities: activitiesOf(story),
    })
    await worker.runUntil(async () => {
      const workflowId = await begin(client, story)
      await story.during?.(client, workflowId)
      await client.workflow.getHandle(workflowId).result()
      const history = await client.workflow.getHandle(workflowId).fetchHistory()
      writeFileSync(file, `${historyToJSON(history)}\n`)
    })
    console.log(`recorded ${story.name}`)
  }
} finally {
  await client.connection.close()
  await connection.close()
  await server.stop()
  rmSync(data, { recursive: true, force: true })
}
