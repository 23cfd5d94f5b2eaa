/** Runs a program for the person: hands on signals, takes secrets out of its output, returns its exit code. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Context } from './context.ts'
import { Failure } from './failure.ts'
import { redactor } from './redact.ts'

export interface Program {
  program: string
  args: string[]
  /** On top of the person's own. */
  variables: Record<string, string>
  /** Never shown. */
  secrets: string[]
  /** Hands over the terminal; nothing is taken out of the output then. */
  interactive: boolean
}

/** As a shell counts: 128 and the signal's number for a program that was killed. @throws Failure */
export async function runProgram(
  context: Context,
  { program, args, variables, secrets, interactive }: Program,
): Promise<number> {
  const child = spawn(program, args, {
    env: { ...context.surroundings.environment, ...variables },
    stdio: ['inherit', ...(interactive ? (['inherit', 'inherit'] as const) : (['pipe', 'pipe'] as const))],
  })
  const end = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('close', (code, signal) => resolve([code, signal]))
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Failure(
          `the command "${program}" cannot be run: ${error.code === 'ENOENT' ? 'it is not there' : error.code}`,
          127,
        ),
      ),
    )
  })
  const stop = () => {
    const name = context.signal.reason as unknown
    // Ctrl-C at a terminal has reached the program already, and is its own to understand.
    if (name === 'SIGINT' && context.input.isTTY) return
    child.kill(name === 'SIGINT' || name === 'SIGHUP' ? name : 'SIGTERM')
  }
  context.signal.addEventListener('abort', stop)
  try {
    const shown = Promise.all([
      show(child.stdout, context.output, secrets),
      show(child.stderr, context.errors, secrets),
    ])
    const [code, signal] = await end
    await shown
    return code ?? 128 + (signal ? constants.signals[signal] : 0)
  } finally {
    context.signal.removeEventListener('abort', stop)
  }
}

async function show(from: Readable | null, to: Writable, secrets: string[]): Promise<void> {
  if (!from) return
  const clean = from.pipe(redactor(secrets))
  clean.on('data', (chunk: Buffer) => void to.write(chunk))
  await finished(clean)
}
