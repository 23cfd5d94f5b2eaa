/**
 * Tells in full why something is still open: rows of the store, what Temporal waits for in each workflow, which programs
 * are alive. Ids, codes and times only, so that it may be shown to anybody. Changes nothing.
 */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Client } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { optionalTsToDate } from '@temporalio/common/lib/time.js'
import type { Rig } from './rig.ts'

/** Of a history so many events are told; the file has all. */
const TAIL = 12

/** Histories go to a folder of their own, since the rig's goes away with it. */
export async function describeHanging(rig: Rig): Promise<{ words: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-hanging-'))
  const lines: string[] = [`at ${new Date().toISOString()}; histories are in ${folder}`]
  for (const program of [...rig.workers, ...rig.servers]) lines.push(await describeProgram(program))
  lines.push(...(await describeStore(rig)))
  const query = `TaskQueue = '${rig.taskQueue}' and ExecutionStatus = 'Running'`
  for await (const { workflowId, runId } of rig.client.workflow.list({ query }))
    lines.push(...(await describeWorkflow(rig.client, { workflowId, runId }, folder)))
  const words = lines.join('\n')
  await writeFile(join(folder, 'hanging.txt'), `${words}\n`)
  return { words, folder }
}

async function describeProgram({ spec, running, stopped }: Rig['workers'][number]): Promise<string> {
  const answer = await fetch(spec.readyUrl, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
  const state = running ? (stopped ? 'stopped' : 'alive') : 'ended'
  return `program ${spec.name}: ${state}, ready: ${answer?.status ?? 'no answer'}`
}

async function describeStore({ db }: Pick<Rig, 'db'>): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', 'event', id, 'of', environment_id, trigger, action, 'by', workflow_id, run_id,
      'open for', now() - created_at) as line
    from rotation_events where completed_at is null
    union all
    select concat_ws(' ', 'request', id, 'of', environment_id, trigger, action, status, 'event', event_id,
      'waiting for', now() - created_at)
    from rotation_requests where status = 'waiting'
    union all
    select concat_ws(' ', 'row', r.id, r.path, r.rotator, 'event', r.event_id, r.step, coalesce(r.outcome, 'open'),
      'fence', r.fence, 'budget', r.budget_used_ms, 'ms; landing', coalesce((r.sent_until - now())::text, 'nothing'),
      '; steps',
      (select string_agg(concat_ws(' ', to_char(s.at, 'HH24:MI:SS.MS'), s.step, s.code, 'fence', s.fence), ', ' order by s.id)
        from rotation_steps s where s.rotation_id = r.id))
    from rotations r join rotation_events e on e.id = r.event_id where e.completed_at is null
    union all
    select concat_ws(' ', 'connection', application_name, pid, state, wait_event_type, wait_event, 'for',
      now() - state_change, 'blocked by', nullif(pg_blocking_pids(pid)::text, '{}'))
    from pg_stat_activity
    where datname = current_database() and (state not in ('idle', 'disabled') or cardinality(pg_blocking_pids(pid)) > 0)
      and pid != pg_backend_pid()`.execute(db)
  return rows.map(({ line }) => line)
}

async function describeWorkflow(
  client: Client,
  { workflowId, runId }: { workflowId: string; runId: string },
  folder: string,
): Promise<string[]> {
  const handle = client.workflow.getHandle(workflowId, runId)
  const { raw, historyLength } = await handle.describe()
  const { pendingActivities = [], pendingWorkflowTask: task } = raw
  const lines = [`workflow ${workflowId} ${runId}: ${historyLength} events`]
  if (task) {
    const { attempt, originalScheduledTime, scheduledTime, startedTime } = task
    lines.push(
      `  workflow task: attempt ${attempt}, first scheduled ${iso(originalScheduledTime)}, scheduled ${iso(scheduledTime)}, ` +
        `started ${iso(startedTime)}`,
    )
  }
  for (const activity of pendingActivities ?? [])
    lines.push(
      `  activity ${activity.activityType?.name} ${activity.activityId}: state ${activity.state}, attempt ${activity.attempt}, ` +
        `last failure ${activity.lastFailure?.applicationFailureInfo?.type ?? activity.lastFailure?.timeoutFailureInfo?.timeoutType ?? 'none'}, ` +
        `started ${iso(activity.lastStartedTime)}, heartbeat ${iso(activity.lastHeartbeatTime)}, ` +
        `next try ${iso(activity.nextAttemptScheduleTime ?? activity.scheduledTime)}`,
    )
  const json = historyToJSON(await handle.fetchHistory())
  const file = join(folder, `${workflowId.replaceAll('/', '_')}_${runId}.json`)
  await writeFile(file, json)
  const { events } = JSON.parse(json) as {
    events: { eventId: string; eventType: string; eventTime: string }[]
  }
  for (const { eventId, eventType, eventTime } of events.slice(-TAIL))
    lines.push(`  ${eventTime} ${eventId} ${eventType.replace('EVENT_TYPE_', '')}`)
  return lines
}

function iso(time: Parameters<typeof optionalTsToDate>[0]): string {
  return optionalTsToDate(time)?.toISOString() ?? '-'
}
