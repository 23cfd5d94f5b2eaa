/** The bare workflow's worker, a process of its own as Rekey's is. Arguments: address, namespace, task queue. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { NativeConnection, Runtime, Worker } from '@temporalio/worker'

const [address = '', namespace = '', taskQueue = '', readyFile = ''] = process.argv.slice(2)

Runtime.install({ telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } } })
const connection = await NativeConnection.connect({ address })
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('workflow.ts', import.meta.url)),
  activities: { nothing: () => Promise.resolve() },
})
writeFileSync(readyFile, 'ready\n')
await worker.run()
await connection.close()
