/** Waits until nothing that was asked for is open any more, in the store and in Temporal. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describeHanging } from './hanging.ts'
import type { Rig } from './rig.ts'

/** Longer than everything that is tried again takes: Temporal's backoff, a stopped worker's heartbeat, a target's budget. */
const LIMIT = 200_000

/** From here on it is slow, and told why: it goes on. */
const SLOW = 60_000

/**
 * @param tell hears in full what holds it up when it is slow
 * @returns the milliseconds it took
 * @throws when something is still open after `limit`, or when the signal fires: what hangs is in the words
 */
export async function untilIdle(
  rig: Rig,
  signal: AbortSignal,
  { tell, limit = LIMIT }: { tell?: (words: string) => void; limit?: number } = {},
): Promise<number> {
  const { db, client, taskQueue } = rig
  const startedAt = Date.now()
  let told = false
  for (;;) {
    const { rows } = await sql<{ what: string }>`
      select 'event ' || id as what from rotation_events where completed_at is null
      union all select 'request ' || id from rotation_requests where status = 'waiting'`.execute(db)
    const running = client.workflow.list({
      query: `TaskQueue = '${taskQueue}' and ExecutionStatus = 'Running'`,
    })
    const open = rows.map(({ what }) => what)
    for await (const { workflowId } of running) open.push(`workflow ${workflowId}`)
    const took = Date.now() - startedAt
    if (open.length === 0) return took
    if (took > limit || signal.aborted) {
      const { words, folder } = await describeHanging(rig)
      await cp(rig.logs, join(folder, 'logs'), { recursive: true })
      throw new Error(`still open after ${Math.round(took / 1000)} s: ${open.join(', ')}\n${words}`)
    }
    if (!told && tell && took > SLOW) {
      told = true
      tell(`still open after ${SLOW / 1000} s:\n${(await describeHanging(rig)).words}`)
    }
    await sleep(500, undefined, { signal }).catch(() => {})
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
