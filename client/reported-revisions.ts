/** What Temporal remembers of revisions that rotations have published: the search attribute that their runs carry. */
import type { Client } from '@temporalio/client'
import type { ReportedRevision } from '../store/lost-revisions.ts'
import { REVISION } from '../workflows/search-attributes.ts'

/** Milliseconds for the whole list. */
const DEADLINE = 20_000
/** `rotate/<environment id>`, with the due time behind it where a schedule started the run. */
const WORKFLOW_ID = /^rotate\/([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})(?:-|$)/

/**
 * The newest of each environment, by runs that ended since then or have not ended.
 * @throws when Temporal is away, or does not know the attribute
 */
export async function reportedRevisions(client: Client, since: Date): Promise<ReportedRevision[]> {
  const query =
    `WorkflowType = 'rotateEnvironment' AND ${REVISION.name} > 0 AND ` +
    `(CloseTime >= '${since.toISOString()}' OR ExecutionStatus = 'Running')`
  const newest = new Map<string, ReportedRevision>()
  await client.connection.withDeadline(Date.now() + DEADLINE, async () => {
    for await (const run of client.workflow.list({ query, pageSize: 1_000 })) {
      const environmentId = WORKFLOW_ID.exec(run.workflowId)?.[1]
      const revision = run.typedSearchAttributes.get(REVISION)
      if (environmentId === undefined || revision === undefined) continue
      const known = newest.get(environmentId)
      if (!known || known.revision < revision)
        newest.set(environmentId, { environmentId, revision, at: run.closeTime ?? new Date() })
    }
  })
  return [...newest.values()]
}
