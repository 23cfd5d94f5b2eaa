/** Bundles the workflows for production, so that a worker starts without a compiler. Run by `make bundle`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker'
import { BUNDLE_PATH, WORKFLOWS_PATH } from './options.ts'

export async function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  return await bundleWorkflowCode({ workflowsPath: WORKFLOWS_PATH, logger: new DefaultLogger('WARN') })
}

if (import.meta.main) {
  const { code } = await bundleWorkflows()
  await mkdir(dirname(BUNDLE_PATH), { recursive: true })
  await writeFile(BUNDLE_PATH, code)
}
