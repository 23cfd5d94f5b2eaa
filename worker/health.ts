/**
 * The worker's own endpoint: `/healthz` while the process lives, `/readyz` when it can rotate, `/metrics`. Overdue schedules
 * are told there, and make nobody unready.
 */
import { createServer } from 'node:http'
import type { ListenAddress } from '../config/index.ts'
import type { Database } from '../store/database.ts'
import { describeOverdue } from '../store/due-times.ts'
import { pingDatabase } from '../store/ping.ts'
import { answerScrape } from '../telemetry/metrics-listener.ts'
import type { Exposition } from '../telemetry/exposition.ts'

export interface HealthSources {
  db: Database
  checkTemporal(): Promise<void>
  isServing(): boolean
  metrics: Exposition
}

export async function serveHealth(
  listen: ListenAddress,
  sources: HealthSources,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] === '/metrics') return answerScrape(response, sources.metrics)
    void answer(request.url ?? '', sources).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen.port, listen.host, resolve)
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function answer(url: string, sources: HealthSources): Promise<{ status: number; body: object }> {
  if (url === '/healthz') return { status: 200, body: { status: 'ok' } }
  if (url !== '/readyz') return { status: 404, body: { code: 404, message: 'Not Found' } }
  const away = [
    (await works(() => pingDatabase(sources.db))) ? [] : ['the database'],
    (await works(() => sources.checkTemporal())) ? [] : ['Temporal'],
    sources.isServing() ? [] : ['the task queue'],
  ].flat()
  if (away.length === 0) {
    return { status: 200, body: { status: 'ok', ...(await describeOverdue(sources.db)) } }
  }
  return { status: 503, body: { code: 503, message: `not ready: ${away.join(', ')} cannot be used` } }
}

async function works(check: () => Promise<unknown>): Promise<boolean> {
  try {
    await check()
    return true
  } catch {
    return false
  }
}
