/** Everything that Temporal remembers of a fire: every run, its whole history as text, and the failures in it. */
import type { Client } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { WorkflowSeen } from './evidence.ts'

export async function readWorkflows(
  client: Client,
  taskQueue: string,
): Promise<{ seen: WorkflowSeen[]; texts: string[] }> {
  const seen: WorkflowSeen[] = []
  const texts: string[] = []
  for await (const { workflowId, runId, status } of client.workflow.list({
    query: `TaskQueue = '${taskQueue}'`,
  })) {
    const json = historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory())
    texts.push(json)
    const failures: WorkflowSeen['failures'] = []
    collectFailures(JSON.parse(json), failures)
    seen.push({ workflowId, runId, status: status.name, failures })
  }
  return { seen, texts }
}

function collectFailures(part: unknown, found: WorkflowSeen['failures']): void {
  if (typeof part !== 'object' || part === null) return
  for (const [key, value] of Object.entries(part)) {
    if (/^(failure|lastFailure|cause)$/.test(key) && typeof value === 'object' && value !== null) {
      const failure = value as { message?: string; stackTrace?: string } & Record<string, { type?: string }>
      const info = Object.keys(failure).find((name) => name.endsWith('FailureInfo')) ?? 'none'
      found.push({
        kind: info.replace(/FailureInfo$/, '').replace(/^resetWorkflow$/, 'reset'),
        type: failure[info]?.type ?? '',
        message: failure.message ?? '',
        stack: Boolean(failure.stackTrace),
      })
    }
    collectFailures(value, found)
  }
}
