/** Bundles the workflows for production, so that a worker starts without a compiler. Run by `make bundle` and by `bin/build`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'
import { BUNDLE_PATH, WORKFLOW_INTERCEPTORS, WORKFLOWS_PATH } from './options.ts'

/** The code, its source map inside. */
export async function bundleWorkflows(): Promise<{ code: string }> {
  const logger = new DefaultLogger('WARN')
  const { code } = await bundleWorkflowCode({
    workflowsPath: WORKFLOWS_PATH,
    workflowInterceptorModules: WORKFLOW_INTERCEPTORS,
    logger,
  })
  return { code: withoutFolder(code, dirname(dirname(WORKFLOWS_PATH))) }
}

/** The source map names the folder that the bundle was made in: not for everybody who gets the package. */
function withoutFolder(code: string, folder: string): string {
  return code.replace(
    /(\/\/# sourceMappingURL=data:application\/json;[^,]*base64,)([\w+/=]+)/,
    (_, start: string, map: string) =>
      start + Buffer.from(Buffer.from(map, 'base64').toString().replaceAll(folder, '.')).toString('base64'),
  )
}

if (import.meta.main) {
  const target = resolve(process.argv[2] ?? BUNDLE_PATH)
  const { code } = await bundleWorkflows()
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, code)
}
