/** Server and worker as child processes that are killed, stopped and woken; each knows its log and is started again. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { COMPILE_CACHE } from '../support/compile-cache.ts'

export interface ProgramSpec {
  name: string
  /** Of this folder. */
  file: string
  /** Its one argument, made anew at each start. */
  plan(): object
  env: Record<string, string>
  logFile: string
  /** Where it answers 200 when it serves. */
  readyUrl: string
  /** A line that it printed and that is no log. */
  said(line: string): void
}

export class Program {
  readonly spec: ProgramSpec
  #child: ChildProcess | undefined
  #exit: Promise<unknown> = Promise.resolve()
  #ended = true
  /** Stopped by a signal: it holds what it held, and does nothing. */
  stopped = false

  constructor(spec: ProgramSpec) {
    this.spec = spec
  }

  get running(): boolean {
    return !this.#ended
  }

  start(): void {
    const { file, plan, env, logFile } = this.spec
    const program = fileURLToPath(new URL(file, import.meta.url))
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, JSON.stringify(plan())],
      // It ends when its standard input does: nothing is left behind when this process is killed.
      { stdio: ['pipe', 'pipe', 'pipe'], env: { ...COMPILE_CACHE, ...env } },
    )
    this.#child = child
    this.#ended = false
    this.stopped = false
    this.#exit = new Promise<void>((resolve) =>
      child.once('exit', () => {
        if (this.#child === child) this.#ended = true
        resolve()
      }),
    )
    child.stdin.on('error', () => {})
    const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 })
    child.stderr.pipe(log, { end: false })
    let rest = ''
    child.stdout.on('data', (chunk) => {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        log.write(`${line}\n`)
        if (!line.startsWith('{')) this.spec.said(line)
      }
    })
  }

  signal(name: NodeJS.Signals): void {
    if (this.#ended) return
    this.#child?.kill(name)
    if (name === 'SIGSTOP') this.stopped = true
    if (name === 'SIGCONT') this.stopped = false
  }

  async kill(): Promise<void> {
    // It may be started again by somebody else as soon as it has ended.
    const exit = this.#exit
    this.signal('SIGKILL')
    await exit
  }

  /** In words, since the log itself goes away with its folder. */
  async #endOfLog(): Promise<string> {
    const text = await readFile(this.spec.logFile, 'utf8').catch(() => '')
    return text.split('\n').slice(-15).join('\n')
  }

  async ready(signal: AbortSignal, patience = 180_000): Promise<void> {
    const deadline = Date.now() + patience
    for (;;) {
      signal.throwIfAborted()
      const answer = await fetch(this.spec.readyUrl, { signal: AbortSignal.timeout(2_000) }).catch(
        () => undefined,
      )
      if (answer?.ok) return
      const what = this.#ended ? 'ended before it was ready' : 'is not ready'
      if (this.#ended || Date.now() > deadline)
        throw new Error(`${this.spec.name} ${what}; the end of its log:\n${await this.#endOfLog()}`)
      await sleep(100)
    }
  }
}

/** For the program itself: it ends with whoever started it. */
export function endWithParent(): void {
  process.stdin
    .on('end', () => process.exit())
    .on('error', () => process.exit())
    .resume()
}

export function planOf<T>(): T {
  return JSON.parse(process.argv[2] ?? '') as T
}
