/** Waits until nothing that was asked for is open any more, in the store and in Temporal. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Rig } from './rig.ts'

/** Longer than everything that is tried again takes: Temporal's backoff, a stopped worker's heartbeat, a target's budget. */
const LIMIT = 200_000

/** @throws when something is still open after so long: what hangs is in the words */
export async function untilIdle({ db, client, taskQueue }: Rig, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + LIMIT
  for (;;) {
    const { rows } = await sql<{ what: string }>`
      select 'event ' || id as what from rotation_events where completed_at is null
      union all select 'request ' || id from rotation_requests where status = 'waiting'`.execute(db)
    const running = client.workflow.list({
      query: `TaskQueue = '${taskQueue}' and ExecutionStatus = 'Running'`,
    })
    const open = rows.map(({ what }) => what)
    for await (const { workflowId } of running) open.push(`workflow ${workflowId}`)
    if (open.length === 0) return
    if (Date.now() > deadline)
      throw new Error(`still open ${LIMIT / 1000} s after the fire: ${open.join(', ')}`)
    await sleep(500, undefined, { signal })
  }
}

/** Key ids that stand in the newest revision, in clear. */
export async function publishedIdentities({ db }: Rig, environmentId: string): Promise<string[]> {
  const { rows } = await sql<{ text: string }>`
    select text from revisions where environment_id = ${environmentId} order by number desc limit 1`.execute(
    db,
  )
  return [...(rows[0]?.text ?? '').matchAll(/accessKeyId: ["']?(\w+)/g)].map((match) => match[1]!)
}
