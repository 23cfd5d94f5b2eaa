/** Owns the life of one server child: its pid file, its log file, its end; knows nothing of what it serves. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { processIdentity } from './process-identity.ts'

/** The signals that end a server, the kindest first, each with the time (ms) it has before the next one. */
export type Ending = readonly { signal: NodeJS.Signals; patience: number }[]

export interface ServerSpec {
  /** For messages: `PostgreSQL`, `Temporal`. */
  name: string
  file: string
  args: readonly string[]
  env: Record<string, string>
  /** The system user to run as; the present one when absent. */
  user?: { uid: number; gid: number } | undefined
  /** Remembers the child, so that the next start finds it when this process was killed. */
  pidFile: string
  logFile: string
  ending: Ending
}

export interface ServerExit {
  code: number | null
  signal: NodeJS.Signals | null
  /** True when `stop` asked for it. */
  asked: boolean
}

export interface ServerProcess {
  pid: number
  /** Settles when the child has ended, whoever ended it; never rejects. */
  exited: Promise<ServerExit>
  /** Ends the child and waits for it; more than one call is fine. */
  stop(): Promise<void>
}

interface PidRecord {
  pid: number
  identity: string
  owner: { pid: number; identity: string }
}

const LOG_LIMIT = 10 * 1024 * 1024

/** Starts the server in a session of its own: Ctrl-C reaches us alone, and we decide who ends first. */
export async function launchServer(spec: ServerSpec): Promise<ServerProcess> {
  const log = openLog(spec.logFile)
  const child = spawn(spec.file, spec.args, {
    env: spec.env,
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
    ...(spec.user ? { uid: spec.user.uid, gid: spec.user.gid } : {}),
  })
  closeSync(log)
  const { pid } = child
  try {
    if (pid !== undefined) rememberPid(spec.pidFile, pid)
  } catch (error) {
    // A server that nobody could find again must not run.
    child.kill('SIGKILL')
    throw error
  }

  let asked = false
  const exited = new Promise<ServerExit>((settle) => {
    child.once('exit', (code, signal) => {
      rmSync(spec.pidFile, { force: true })
      settle({ code, signal, asked })
    })
  })
  const stop = async () => {
    asked = true
    await endBySignals((signal) => child.kill(signal), exited, spec.ending)
  }
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Error(`${spec.name} cannot be started from ${spec.file}: ${error.code ?? 'unknown reason'}`),
      ),
    )
    child.once('spawn', () => resolve({ pid: child.pid!, exited, stop }))
  })
}

/**
 * Ends the server that a killed parent left running, if there is one.
 * @throws when the parent is alive: then the folder is in use, and ending its server would be theft.
 */
export async function endOrphan(
  name: string,
  pidFile: string,
  folder: string,
  ending: Ending,
): Promise<void> {
  const record = readPidRecord(pidFile)
  if (!record) return
  if (processIdentity(record.pid) === record.identity) {
    const { owner } = record
    if (processIdentity(owner.pid) === owner.identity)
      throw new Error(
        `${name} of ${folder} is already run by process ${owner.pid}: end that one or use another folder`,
      )
    await endProcess(record.pid, ending)
  }
  rmSync(pidFile, { force: true })
}

/** Ends a process that is not our child, and returns when it is gone. */
export async function endProcess(pid: number, ending: Ending): Promise<void> {
  const identity = processIdentity(pid)
  if (identity === undefined) return
  const alive = new AbortController()
  const gone = (async () => {
    while (!alive.signal.aborted && processIdentity(pid) === identity) await sleep(25)
  })()
  try {
    await endBySignals((signal) => process.kill(pid, signal), gone, ending)
  } finally {
    alive.abort()
  }
}

async function endBySignals(
  send: (signal: NodeJS.Signals) => unknown,
  gone: Promise<unknown>,
  ending: Ending,
) {
  for (const { signal, patience } of [...ending, { signal: 'SIGKILL' as const, patience: 5_000 }]) {
    try {
      send(signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    const timer = new AbortController()
    const late = sleep(patience, 'late', { signal: timer.signal }).catch(() => undefined)
    const first = await Promise.race([gone.then(() => 'gone'), late])
    timer.abort()
    if (first === 'gone') return
  }
}

function rememberPid(pidFile: string, pid: number): void {
  const record: PidRecord = {
    pid,
    identity: processIdentity(pid) ?? '',
    owner: { pid: process.pid, identity: processIdentity(process.pid) ?? '' },
  }
  writeFileSync(pidFile, JSON.stringify(record) + '\n', { mode: 0o600 })
}

function readPidRecord(pidFile: string): PidRecord | undefined {
  try {
    return JSON.parse(readFileSync(pidFile, 'utf8')) as PidRecord
  } catch {
    // Missing, or cut off by a crash while it was written: the servers' own locks are the second line.
    return undefined
  }
}

function openLog(logFile: string): number {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
  if (size > LOG_LIMIT) truncateSync(logFile)
  return openSync(logFile, 'a', 0o600)
}
