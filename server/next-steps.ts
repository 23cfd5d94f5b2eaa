/** What an operator can do about a rotation that left something behind, as commands with what each of them does. */
import { formatEnvironmentName } from '../model/environment-name.ts'
import type { RotationRecord } from '../store/rotation-records.ts'
import type { Leftover } from './rotation-record-json.ts'

export interface NextStep {
  command: string
  words: string
}

/** `identity` names the user or key that is in doubt, `hasCall` says whether the definition still has the call. */
export function nextSteps(
  record: RotationRecord,
  leftover: Leftover | null,
  { identity, hasCall }: { identity: string | undefined; hasCall: boolean },
): NextStep[] {
  if (leftover === null) return []
  const { id, environment, path, targets } = record
  const name = formatEnvironmentName(environment)
  const who = identity ?? 'it'
  const steps: NextStep[] = []
  const add = (command: string, words: string) => void steps.push({ command, words })
  if (hasCall) add(`rekey env rotate ${name} ${quote(path)}`, ROTATE[leftover])
  else if (!environment.deletedAt)
    for (const target of targets)
      add(
        `rekey target release ${quote(target)}`,
        'if the call was moved to another path: frees its target for that path, whose next rotation settles this one',
      )
  if (!environment.deletedAt && leftover !== 'suspect')
    add(
      `rekey rotation adopt ${id}`,
      `tests ${who} and publishes it as current, without a change at the target`,
    )
  if (leftover === 'suspect')
    add(
      `rekey rotation discard ${id} --key <key id>`,
      'removes that one key: for the one that you know nobody uses; the message names those it may be',
    )
  else
    add(`rekey rotation discard ${id}`, leftover === 'key' ? `removes the key ${who} at the target` : VALUE)
  add(
    `rekey rotation discard ${id} --give-up`,
    leftover === 'value'
      ? `asks nobody: if the value has reached the target, nobody knows the password of ${who} until the next rotation sets another`
      : "asks nobody and removes nothing: a key that was made stays at the target, and is nobody's",
  )
  return steps
}

const VALUE = 'ends it once the target refuses the value; refused itself while the target accepts it'
const ROTATE: Record<Leftover, string> = {
  value: 'settles it first: publishes the value if the target accepts it, else sends it again',
  key: 'settles it first: publishes the key if it works, else removes it and makes another',
  suspect: 'goes on once the suspect is gone, or the inputs say keysOnlyByRekey: true',
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
