/** Runs one command line to its exit code. Every error ends here, as words on stderr. */
import { CommanderError } from 'commander'
import { isRefusal } from '../model/refusal.ts'
import { ConfigError } from '../config/index.ts'
import { adviceOn } from './advice.ts'
import { ApiError } from './api.ts'
import type { Context } from './context.ts'
import { showDiagnostics } from './diagnostics.ts'
import { EXIT, Failure } from './failure.ts'
import { note, styled } from './output.ts'
import { createProgram } from './program.ts'

/** `args` without the program's own name. */
export async function runCli(args: string[], context: Context, version: string): Promise<number> {
  try {
    await createProgram(context, version).parseAsync(args, { from: 'user' })
    return EXIT.succeeded
  } catch (error) {
    return await report(context, error)
  }
}

async function report(context: Context, error: unknown): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.succeeded : EXIT.error
  if (error instanceof Failure && /^(RotationEnded|ProgramEnded)$/.test(error.name)) return error.exitCode
  if (error instanceof ApiError) showDiagnostics(context, error.diagnostics)
  if (isRefusal(error) && error.diagnostics) showDiagnostics(context, error.diagnostics)
  const advice = error instanceof ApiError ? await adviceOn(context, error) : ''
  note(context, `${styled(context, 'errors', 'red', 'rekey')}: ${wordsOf(error)}${advice}`)
  return error instanceof Failure ? error.exitCode : EXIT.error
}

function wordsOf(error: unknown): string {
  if (error instanceof Failure || isRefusal(error) || error instanceof ConfigError) return error.message
  if (error instanceof Error) return error.message.split('\n')[0] || error.name
  return 'unexpected error'
}
