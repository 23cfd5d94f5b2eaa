/**
 * Shows how far each path of a rotation is. On a terminal one line per path that is written again in its place,
 * elsewhere a line for each step as it happens. Writes to stderr only.
 */
import type { Context } from './context.ts'
import { note, OUTCOME_STYLES, shown, styled } from './output.ts'
import type { Progress } from './rotation.ts'

const STEPS = ['planned', 'prepared', 'applied', 'verified', 'published']

/** What a step means to who waits for it, also where a value is made up and there is nothing to log in at. */
const WORDS: Record<string, string> = {
  planned: 'planned',
  prepared: 'new value written down, sealed',
  applied: 'new value set',
  verified: 'new value verified',
  published: 'published',
  closed: 'closed',
}

const MARKS: Record<string, string> = { succeeded: '✓', failed: '✗', skipped: '–', unknown: '?' }
const UP_AND_CLEAR = (lines: number) => `\u001b[${lines}A\u001b[J`

export interface RotationProgress {
  show(progress: Progress[]): void
  /** Something else that the person should know meanwhile. */
  say(text: string): void
}

export function rotationProgress(context: Context): RotationProgress {
  const { errors, surroundings } = context
  const rewrites = errors.isTTY === true && surroundings.environment['TERM'] !== 'dumb'
  const { show, say } = rewrites ? rewritten(context) : lineByLine(context)
  return {
    show: (progress) =>
      show(progress.map((path) => ({ ...path, environmentPath: shown(path.environmentPath) }))),
    say,
  }
}

function lineByLine(context: Context): RotationProgress {
  const clock = stopwatch()
  const told = new Map<string, string>()
  return {
    show: (progress) => {
      const width = widest(progress)
      for (const { environmentPath, step, status } of progress) {
        const state = status === 'in_progress' ? (WORDS[step] ?? step) : status
        if (told.get(environmentPath) === state) continue
        told.set(environmentPath, state)
        const time = styled(context, 'errors', 'dim', clock())
        note(context, `${time}  ${environmentPath.padEnd(width)}  ${colour(context, status, state)}`)
      }
    },
    say: (text) => note(context, text),
  }
}

function rewritten(context: Context): RotationProgress {
  const { errors } = context
  const clock = stopwatch()
  const ended = new Map<string, string>()
  let last: Progress[] = []
  let lines = 0
  const clear = () => {
    if (lines > 0) errors.write(UP_AND_CLEAR(lines))
    lines = 0
  }
  const draw = () => {
    // What is taller than the window could not be taken back: those that have ended give way.
    const room = Math.max(1, (errors.rows ?? 24) - 2)
    const open = last.filter(({ status }) => status === 'in_progress')
    const drawn = last.length <= room ? last : open.slice(0, room)
    const left = last.length - drawn.length
    const width = widest(drawn)
    for (const path of drawn)
      note(context, lineOf(context, path, width, ended.get(path.environmentPath) ?? clock()))
    if (left > 0) note(context, styled(context, 'errors', 'dim', `${''.padStart(9)}and ${left} more`))
    lines = drawn.length + (left > 0 ? 1 : 0)
  }
  return {
    show: (progress) => {
      last = progress
      for (const { environmentPath, status } of progress)
        if (status !== 'in_progress' && !ended.has(environmentPath)) ended.set(environmentPath, clock())
      clear()
      draw()
    },
    say: (text) => {
      clear()
      note(context, text)
      draw()
    },
  }
}

/** Never longer than the window: a line that wraps could not be taken back. */
function lineOf(
  context: Context,
  { environmentPath, step, status }: Progress,
  width: number,
  time: string,
): string {
  const done = step === 'closed' ? STEPS.length : STEPS.indexOf(step) + 1
  const isOpen = status === 'in_progress'
  const bar = isOpen
    ? '■'.repeat(done).padEnd(STEPS.length, '□')
    : (MARKS[status] ?? ' ').padEnd(STEPS.length)
  const room = Math.max(10, (context.errors.columns ?? 80) - time.length - STEPS.length - 7)
  const path = environmentPath.padEnd(width).slice(0, room)
  const words = (isOpen ? (WORDS[step] ?? step) : status).slice(0, Math.max(0, room - path.length))
  const dim = styled(context, 'errors', 'dim', time)
  return `${dim}  ${colour(context, status, bar)}  ${path}  ${colour(context, status, words)}`
}

function colour(context: Context, status: string, text: string): string {
  const style = Object.hasOwn(OUTCOME_STYLES, status) ? OUTCOME_STYLES[status] : undefined
  return style ? styled(context, 'errors', style, text) : text
}

function widest(progress: Progress[]): number {
  return Math.max(0, ...progress.map(({ environmentPath }) => environmentPath.length))
}

function stopwatch(): () => string {
  const started = Date.now()
  return () => `${((Date.now() - started) / 1000).toFixed(1)} s`.padStart(7)
}
