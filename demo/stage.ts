/** Everything the demo runs on: a temporary folder, `rekey dev` and the command line; takes all of it away again. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { childEnvironment, config, loadConfig } from '../config/index.ts'
import { processIdentity } from '../embedded/process-identity.ts'
import type { Teller } from './teller.ts'

const COMMAND_LINE = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
const START_DEADLINE = 90_000

export interface Stage {
  folder: string
  dataDir: string
  /** Sets variables for whatever is started from now on. */
  use(variables: Record<string, string>): void
  /** Starts `rekey dev`; its progress is told line by line. `onLost` hears when it ends by itself. */
  startRekey(listen: string, onLost: (words: string) => void): Promise<{ url: string; temporalUrl: string }>
  /** A file that commands find by its name. */
  write(file: string, text: string): Promise<void>
  /** Runs `rekey` with these arguments; shown as a person would type it, with what it prints. */
  rekey(args: string[], options?: RunOptions): Promise<Ran>
  /** Ends `rekey dev`: exit code, how many processes it was, and those that are left. */
  stopRekey(): Promise<{ code: number | null; started: number; left: number[] }>
  /** Removes the folder. */
  clear(): Promise<void>
}

export interface RunOptions {
  /** Neither shown nor printed: for the demo's own checks. */
  quiet?: boolean
}

export interface Ran {
  code: number
  stdout: string
}

export async function setStage(teller: Teller, signal: AbortSignal): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-demo-'))
  // Passable for the user that PostgreSQL runs as when the demo runs as root.
  await chmod(folder, 0o711)
  const dataDir = join(folder, 'rekey')
  const { temporalCli } = config()
  const settings = {
    ...loadConfig({
      // A minute is the finest a cron text can say; the demo has no hour to wait.
      REKEY_MIN_SCHEDULE_INTERVAL: '1m',
      // It rotates again at once, to show what becomes of older passwords.
      REKEY_MIN_MANUAL_AGE: '0s',
    }),
    temporalCli,
  }
  // A home of its own: whoever is logged in with rekey stays so.
  const env: Record<string, string> = {
    ...childEnvironment(settings),
    XDG_CONFIG_HOME: join(folder, 'config'),
  }
  const start = (args: string[]): ChildProcess =>
    spawn(process.execPath, [...process.execArgv, COMMAND_LINE, ...args], {
      env,
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches the demo alone, which ends everything in order.
      detached: true,
    })
  let dev: ChildProcess | undefined
  /** Exit code of `rekey dev`. */
  let ended: Promise<number | null> = Promise.resolve(null)
  let parts: number[] = []

  const stage: Stage = {
    folder,
    dataDir,
    use: (variables) => void Object.assign(env, variables),
    startRekey: async (listen, onLost) => {
      const args = ['dev', '--data-dir', dataDir, '--listen', listen]
      dev = start(args)
      // Listened for from the beginning: it may end at any time.
      ended = once(dev, 'close').then(([code]) => code as number | null)
      const words: string[] = []
      createInterface(dev.stderr!).on('line', (line) => {
        words.push(line)
        if (/^\S+.* is up \(/.test(line)) teller.printed(line)
      })
      const ready = firstLine(dev)
      const [, , url = '', temporalUrl = ''] = ((await withDeadline(ready, signal)) ?? '').split(' ')
      if (!url) throw new Error(`rekey dev did not start: ${words.at(-1) ?? 'it said nothing'}`)
      parts = await pidsIn(dataDir)
      void ended.then(() => onLost(words.at(-1) ?? 'rekey dev ended'))
      return { url, temporalUrl }
    },
    write: (file, text) => writeFile(join(folder, file), text, { mode: 0o600 }),
    rekey: async (args, { quiet = false } = {}) => {
      signal.throwIfAborted()
      if (!quiet) teller.command(`rekey ${args.map(quoted).join(' ')}`)
      const child = start(args)
      const kill = () => child.kill('SIGTERM')
      signal.addEventListener('abort', kill)
      let stdout = ''
      child.stdout!.on('data', (chunk) => (stdout += String(chunk)))
      const tell = (line: string) => {
        if (!quiet) teller.printed(line)
      }
      const lines = [createInterface(child.stdout!), createInterface(child.stderr!)]
      for (const reader of lines) reader.on('line', tell)
      const [code] = (await once(child, 'close')) as [number | null]
      signal.removeEventListener('abort', kill)
      signal.throwIfAborted()
      return { code: code ?? -1, stdout }
    },
    stopRekey: async () => {
      // Also those that were started after the last look, by a start that was cut off.
      parts = [...new Set([...parts, ...(await pidsIn(dataDir))])]
      dev?.kill('SIGTERM')
      const code = await ended
      const left = parts.filter((pid) => processIdentity(pid) !== undefined)
      return { code, started: parts.length, left }
    },
    clear: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
  return stage
}

async function firstLine(child: ChildProcess): Promise<string | undefined> {
  for await (const line of createInterface(child.stdout!)) return line
  return undefined
}

async function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const done = new AbortController()
  const late = sleep(START_DEADLINE, undefined, { signal: AbortSignal.any([signal, done.signal]) }).then(
    () => {
      throw new Error(`rekey dev was not up within ${START_DEADLINE / 1000} s`)
    },
  )
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
    late.catch(() => undefined)
  }
}

/** Of `rekey dev` and its four servers, as far as they run. */
async function pidsIn(dataDir: string): Promise<number[]> {
  const names = ['dev', 'server', 'worker', 'postgres', 'temporal/temporal.db']
  const pids = names.map(async (name) => {
    const text = await readFile(join(dataDir, `${name}.pid`), 'utf8').catch(() => '')
    return /^\{"pid":(\d+)/.exec(text)?.[1] ?? []
  })
  return (await Promise.all(pids)).flat().map(Number)
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument}'`
}
