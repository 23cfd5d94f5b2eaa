/**
 * Where a function runs, as Lambda has it: a process that takes one event at a time, is frozen as soon as it has answered,
 * goes on when its caller has left, and is killed when its time is up. Knows no API.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export type Outcome = { payload: unknown } | { error: { errorType: string; errorMessage: string } }

const BROKEN: Outcome = {
  error: { errorType: 'Runtime.ExitError', errorMessage: 'Error: Runtime exited with error' },
}

export class Sandbox {
  readonly #child: ChildProcess
  /** Starting is none of the time that a function has. */
  readonly #started: Promise<unknown>
  #frozen = false

  constructor(handler: string, environment: Record<string, string>) {
    const runtime = fileURLToPath(new URL('runtime.ts', import.meta.url))
    // Of what this machine's settings are, a function sees nothing.
    this.#child = fork(runtime, [handler], { env: { PATH: process.env.PATH, ...environment }, silent: true })
    this.#started = Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')])
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => void (this.log += text))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => void (this.log += text))
  }

  /** What it wrote to its standard output and error. */
  log = ''

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** @param timeout milliseconds that the function has */
  async run(event: unknown, timeout: number): Promise<Outcome> {
    await this.#started
    if (!this.alive) return BROKEN
    if (this.#frozen) this.#child.kill('SIGCONT')
    this.#frozen = false
    const over = new AbortController()
    const { signal } = over
    const answered = once(this.#child, 'message', { signal }).then(([outcome]) => outcome as Outcome)
    const ended = once(this.#child, 'exit', { signal }).then(() => 'ended' as const)
    for (const waiting of [answered, ended]) waiting.catch(() => undefined)
    this.#child.send({ event, timeout })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, timeout, 'late')
    })
    const outcome = await Promise.race([answered, ended, late])
    clearTimeout(timer)
    over.abort()
    if (typeof outcome === 'object') {
      this.#child.kill('SIGSTOP')
      this.#frozen = true
      return outcome
    }
    this.end()
    const seconds = (timeout / 1000).toFixed(2)
    return outcome === 'late'
      ? {
          error: {
            errorType: 'Sandbox.Timedout',
            errorMessage: `Error: Task timed out after ${seconds} seconds`,
          },
        }
      : BROKEN
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}
