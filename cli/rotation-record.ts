/** One rotation as `rekey rotation show` tells it. */
import type { Context } from './context.ts'
import { localTime, print, printTable } from './output.ts'

export interface RotationRecord {
  id: string
  organization: string
  environment: string
  environmentDeleted?: string
  environmentPath: string
  rotator: string
  targets: string[]
  eventID: string
  action: string
  trigger: string
  userID: string
  created: string
  step: string
  status: string
  errorCode?: string
  errorMessage?: string
  warnings?: string[]
  unsettled: boolean
  leftover?: string
  holds?: string
  settled?: string
  settledBy?: string
}

export interface ShownRotation {
  rotation: RotationRecord
  timeline: { at: string; attempt: number; step: string; code?: string }[]
  next: { command: string; words: string }[]
}

/** What is left, in words. */
const LEFT: Record<string, string> = {
  value: 'a password, of which it is not known or not decided whether the target has it',
  key: 'a key that the target made for it',
  suspect: 'perhaps a key: the answer that would have named it was lost',
}

export function showRotationRecord(context: Context, { rotation, timeline, next }: ShownRotation): void {
  const facts: [string, string | undefined][] = [
    [
      'Environment',
      `${rotation.environment}${rotation.environmentDeleted ? ` (deleted ${localTime(rotation.environmentDeleted)})` : ''}`,
    ],
    ['Path', `${rotation.environmentPath} (${rotation.rotator})`],
    ['Targets', rotation.targets.join(', ')],
    ['Event', `${rotation.eventID} (${rotation.action}, ${rotation.trigger}, by ${rotation.userID})`],
    ['Begun', localTime(rotation.created)],
    ['Outcome', [rotation.status, rotation.errorCode].filter(Boolean).join(' ')],
    ['Message', rotation.errorMessage],
    ['Warnings', rotation.warnings?.join('; ')],
    ['Left', rotation.leftover && (LEFT[rotation.leftover] ?? rotation.leftover)],
    ['Holds', rotation.holds],
    ['Settled', rotation.settled && `${localTime(rotation.settled)}${settledBy(rotation)}`],
  ]
  const width = Math.max(...facts.map(([name]) => name.length)) + 1
  for (const [name, value] of facts) if (value) print(context, `${`${name}:`.padEnd(width)} ${value}`)
  print(context, '')
  printTable(
    context,
    ['AT', 'ATTEMPT', 'STEP', 'CODE'],
    timeline.map(({ at, attempt, step, code }) => [localTime(at), String(attempt), step, code ?? '-']),
  )
  print(context, '')
  if (next.length === 0) return print(context, 'Nothing is left to be decided.')
  print(context, 'What you can do:')
  for (const { command, words } of next) print(context, `  ${command}\n    ${words}`)
}

function settledBy({ id, settledBy: other }: RotationRecord): string {
  return other === undefined || other === id ? '' : `, by rotation ${other}`
}
