/** How results look on a terminal and elsewhere. */
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createContext, type Context } from '../../cli/context.ts'
import { printTable, styled } from '../../cli/output.ts'
import { rotationProgress } from '../../cli/rotation-progress.ts'
import type { Progress } from '../../cli/rotation.ts'

interface Screen {
  context: Context
  output(): string
  errors(): string
}

function screen(
  env: Record<string, string>,
  { isTTY, columns = 80, rows = 24 }: { isTTY: boolean; columns?: number; rows?: number },
): Screen {
  const stream = () => Object.assign(new PassThrough(), { isTTY, columns, rows })
  const [output, errors] = [stream(), stream()]
  const context = createContext(
    { input: new PassThrough(), output, errors },
    new AbortController().signal,
    env,
  )
  const read = (stream: PassThrough) => String(stream.read() ?? '')
  return { context, output: () => read(output), errors: () => read(errors) }
}

describe('colours', () => {
  test.each<[Record<string, string>, boolean, boolean]>([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    [{ TERM: 'dumb' }, true, false],
  ])('%j on a terminal: %s', (env, isTTY, expected) => {
    const { context } = screen(env, { isTTY })
    expect(styled(context, 'output', 'red', 'x') !== 'x').toBe(expected)
    expect(styled(context, 'errors', 'red', 'x') !== 'x').toBe(expected)
  })

  test('outcomes have theirs in tables, and columns stay straight', () => {
    const { context, output } = screen({}, { isTTY: true })
    printTable(
      context,
      ['PATH', 'OUTCOME', 'CODE'],
      [
        ['db', 'succeeded', '-'],
        ['longer', 'failed', 'X'],
      ],
    )
    const [, first, second] = output().split('\n')
    expect(first).toBe('db      \u001b[32msucceeded\u001b[0m  -')
    expect(second).toBe('longer  \u001b[31mfailed\u001b[0m     X')
  })
})

describe('what somebody else named', () => {
  const name = 'a["\u001b]0;mine\u0007\u001b[2J\nb\u009b1m"]'

  test('cannot steer the terminal from a table', () => {
    const { context, output } = screen({}, { isTTY: false })
    printTable(context, ['PATH', 'OUTCOME'], [[name, 'succeeded']])
    expect(output().split('\n').slice(1)).toEqual([
      String.raw`a["\x1b]0;mine\x07\x1b[2J\x0ab\x9b1m"]  succeeded`,
      '',
    ])
  })

  test.each([true, false])('nor from the progress of its rotation (terminal: %s)', (isTTY) => {
    const { context, errors } = screen({ NO_COLOR: '1' }, { isTTY })
    rotationProgress(context).show([path(name, 'planned')])
    expect(errors()).toContain(String.raw`a["\x1b]0;mine\x07\x1b[2J\x0ab\x9b1m"]`)
  })
})

describe('an empty table', () => {
  test('has its heading on stdout, and what to do on stderr', () => {
    const { context, output, errors } = screen({}, { isTTY: false })
    printTable(context, ['A', 'B'], [], 'make one')
    expect([output(), errors()]).toEqual(['A  B\n', 'make one\n'])
  })
})

/** What a terminal shows after all that was written to it: understands what goes up and clears, and nothing more. */
function shownBy(text: string): string[] {
  const lines: string[] = []
  for (const part of text.split('\n').slice(0, -1)) {
    const [up, rest] = part.startsWith('\u001b[') ? part.slice(2).split('A\u001b[J') : []
    if (up !== undefined) lines.splice(lines.length - Number(up))
    lines.push(rest ?? part)
  }
  return lines
}

function path(environmentPath: string, step: string, status = 'in_progress'): Progress {
  return { environmentPath, step, status }
}

describe('progress of a rotation', () => {
  test('on a terminal: one line per path, written again in its place', () => {
    const { context, errors } = screen({ NO_COLOR: '1' }, { isTTY: true })
    const progress = rotationProgress(context)
    progress.show([])
    progress.show([path('database', 'planned'), path('reports', 'prepared')])
    progress.show([path('database', 'applied'), path('reports', 'closed', 'failed')])
    progress.say('the server does not answer')
    progress.show([path('database', 'published', 'succeeded'), path('reports', 'closed', 'failed')])
    const seconds = / +\d+\.\d s/
    const text = errors()
    expect(text).toContain('■■■□□  database  new value set')
    expect(shownBy(text).map((line) => line.replace(seconds, ''))).toEqual([
      'the server does not answer',
      '  ✓      database  succeeded',
      '  ✗      reports   failed',
    ])
  })

  test('no line is wider than the window, and no more are drawn than fit', () => {
    const { context, errors } = screen({ NO_COLOR: '1' }, { isTTY: true, columns: 40, rows: 6 })
    const progress = rotationProgress(context)
    const many = Array.from({ length: 50 }, (_, index) =>
      path(`a.very.long["path"].to.credential.number.${index}`, 'prepared'),
    )
    progress.show(many)
    progress.show(many)
    const lines = shownBy(errors())
    expect(lines).toHaveLength(5)
    expect(lines.at(-1)).toContain('and 46 more')
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40)
  })

  test('elsewhere: a line for each step as it happens, once, without control characters', () => {
    const { context, errors } = screen({}, { isTTY: false })
    const progress = rotationProgress(context)
    progress.show([path('db', 'planned')])
    progress.show([path('db', 'planned')])
    progress.show([path('db', 'applied')])
    progress.show([path('db', 'published', 'succeeded')])
    const text = errors()
    expect(text).not.toContain('\u001b')
    expect(text.replaceAll(/^ +\d+\.\d s/gm, '')).toBe(
      '  db  planned\n  db  new value set\n  db  succeeded\n',
    )
  })
})
