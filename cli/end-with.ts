/** Shows how an event ended and lets the exit code tell. */
import type { ExitCode } from './command.ts'
import type { Context } from './context.ts'
import { EXIT, Failure } from './failure.ts'
import { printJson } from './output.ts'
import { exitCodeOf, type RotationAnswer } from './rotation.ts'
import { showEvent } from './rotation-result.ts'

/** Of what a person decides; `env rotate` has words of its own. */
export const EVENT_EXIT_CODES: readonly ExitCode[] = [
  { code: String(EXIT.succeeded), meaning: 'done' },
  { code: String(EXIT.error), meaning: 'nothing was begun: wrong usage, refused by the server, no network' },
  { code: String(EXIT.rotationFailed), meaning: 'refused, wholly or partly: the message says why' },
  { code: String(EXIT.rotationUnknown), meaning: 'not known: it goes on without us' },
]

/** How it went was shown already. */
export class RotationEnded extends Failure {
  override name = 'RotationEnded'
  constructor(exitCode: number) {
    super('the rotation did not wholly succeed', exitCode)
  }
}

/** @throws RotationEnded when it did not succeed */
export function endWith(
  context: Context,
  answer: RotationAnswer,
  { name, json }: { name: string; json: boolean },
): void {
  const event = answer.secretRotationEvent
  if (json) printJson(context, answer)
  else showEvent(context, name, event)
  const code = exitCodeOf(event)
  if (code !== EXIT.succeeded) throw new RotationEnded(code)
}
