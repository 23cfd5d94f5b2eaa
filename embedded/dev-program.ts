/** One of our own programs as a child of `rekey dev`: started, waited for until it is ready, ended. */
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { childEnvironment, type Config } from '../config/index.ts'
import { endOrphan, launchServer, type Ending, type ServerProcess } from './server-process.ts'

// JavaScript in the npm package.
const COMMAND_LINE = fileURLToPath(new URL(`../cli/main${extname(import.meta.filename)}`, import.meta.url))
const START_DEADLINE = 120_000
/** What is under way has time to end. A person waits here, and an attempt that is cut off is taken up at the next start. */
const ENDING: Ending = [{ signal: 'SIGTERM', patience: 40_000 }]

export type DevProgramName = 'server' | 'worker'

export interface DevProgram extends ServerProcess {
  name: DevProgramName
  logFile: string
  /** @throws Error when it ends before it is ready, or takes too long. */
  untilReady(signal: AbortSignal): Promise<void>
}

/** Ends what a killed `rekey dev` left running on this folder. */
export async function endOrphanedProgram(name: DevProgramName, folder: string): Promise<void> {
  await endOrphan(`the ${name}`, pidFileOf(name, folder), folder, ENDING)
}

export async function launchProgram(
  name: DevProgramName,
  folder: string,
  settings: Config,
): Promise<DevProgram> {
  const { host, port } = name === 'server' ? settings.listen : settings.workerListen
  const logFile = join(folder, 'logs', `${name}.log`)
  const child = await launchServer({
    name: `rekey ${name}`,
    file: process.execPath,
    args: [...process.execArgv, COMMAND_LINE, name],
    env: childEnvironment(settings),
    pidFile: pidFileOf(name, folder),
    logFile,
    ending: ENDING,
  })
  return {
    ...child,
    name,
    logFile,
    untilReady: (signal) => untilReady(`http://${dialable(host)}:${port}/readyz`, signal),
  }

  async function untilReady(url: string, signal: AbortSignal): Promise<void> {
    let ended = false
    void child.exited.then(() => (ended = true))
    const deadline = Date.now() + START_DEADLINE
    while (!(await answers(url))) {
      signal.throwIfAborted()
      if (ended) throw new Error(`the ${name} ended before it was ready: see ${logFile}`)
      if (Date.now() > deadline)
        throw new Error(`the ${name} was not ready within ${START_DEADLINE / 1000} s: see ${logFile}`)
      await sleep(50)
    }
    // Whoever answers there must be ours.
    if (ended) throw new Error(`the ${name} ended before it was ready: see ${logFile}`)
  }
}

/** A host to call where something listens on any address. */
export function dialable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(10_000) }).then(
    ({ ok }) => ok,
    () => false,
  )
}

function pidFileOf(name: DevProgramName, folder: string): string {
  return join(folder, `${name}.pid`)
}
