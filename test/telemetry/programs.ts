/** `rekey server` and `rekey worker` as operators start them, on the store and the Temporal of a test line. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../embedded/free-port.ts'
import { createToken } from '../../store/tokens.ts'
import { COMPILE_CACHE } from '../support/compile-cache.ts'
import type { Line } from '../support/line.ts'

export interface Programs {
  api: string
  token: string
  metrics: { server: string; worker: string }
  /** Everything on their standard outputs, one parsed line each. */
  logged: Record<string, unknown>[]
  /** The same, as they came. */
  lines: string[]
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  /** Ends both, so that everything they had to send has been sent. */
  stop(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** `env`: on top of what both need. Resolves when both are ready. */
export async function startPrograms(line: Line, env: Record<string, string> = {}): Promise<Programs> {
  const [api, server, worker] = [await freePort(), await freePort(), await freePort()]
  const settings = {
    REKEY_DATABASE_URL: line.store.url,
    REKEY_TEMPORAL_ADDRESS: line.temporal.address,
    REKEY_TASK_QUEUE: line.temporal.taskQueue,
    REKEY_KEY_FILE: line.store.keyFile,
    REKEY_LISTEN: `127.0.0.1:${api}`,
    REKEY_METRICS_LISTEN: `127.0.0.1:${server}`,
    REKEY_WORKER_LISTEN: `127.0.0.1:${worker}`,
    REKEY_MIN_MANUAL_AGE: '0s',
    REKEY_RECONCILE_INTERVAL: '1s',
    ...env,
  }
  const lines: string[] = []
  const children = ['server', 'worker'].map((name) => start(name, settings, lines))
  const { token } = await createToken(line.store.db, { login: 'ada', name: 'telemetry' })
  try {
    await Promise.all([untilReady(`http://127.0.0.1:${api}`), untilReady(`http://127.0.0.1:${worker}`)])
  } catch (error) {
    for (const child of children) child.kill('SIGKILL')
    throw error
  }
  return {
    api: `http://127.0.0.1:${api}`,
    token: token.reveal(),
    metrics: { server: `http://127.0.0.1:${server}/metrics`, worker: `http://127.0.0.1:${worker}/metrics` },
    get logged() {
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    },
    lines,
    call: (method, path, body, headers = {}) =>
      fetch(`http://127.0.0.1:${api}${path}`, {
        method,
        headers: {
          authorization: `token ${token.reveal()}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    stop: async () => {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const closed = once(child, 'close')
          child.kill('SIGTERM')
          await closed
        }),
      )
    },
  }
}

function start(name: string, env: Record<string, string>, lines: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, name], {
    env: { ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const whole = (rest + text).split('\n')
    rest = whole.pop() ?? ''
    lines.push(...whole)
  })
  return child
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + 90_000
  while (
    !(await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (Date.now() > deadline) throw new Error(`${url} was not ready in time`)
    await sleep(200)
  }
}
