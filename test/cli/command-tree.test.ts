/**
 * Every command, whoever adds it, tells what it is for, shows an example that can be typed, offers JSON for what it
 * prints, and has its place in docs/cli.md.
 */
import { PassThrough } from 'node:stream'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandPath, commandsBelow, examplesOf } from '../../cli/command.ts'
import { createContext } from '../../cli/context.ts'
import { createProgram } from '../../cli/program.ts'
import { commandLine, type CommandLine } from './command-line.ts'

/** They print no data: each runs something until it ends, or prints a program. */
const WITHOUT_JSON = ['dev', 'server', 'worker', 'env run', 'completion']

let cli: CommandLine
beforeAll(async () => {
  cli = await commandLine()
})
afterAll(() => cli.close())

const streams = { input: new PassThrough(), output: new PassThrough(), errors: new PassThrough() }
const program = createProgram(createContext(streams, new AbortController().signal, {}), '0.0.0')
const commands = commandsBelow(program).map((command) => ({ path: commandPath(command), command }))
const leaves = commands.filter(({ command }) => command.commands.length === 0)

test('there are commands to look at', () => {
  const paths = commands.map(({ path }) => path)
  expect(paths).toEqual(
    expect.arrayContaining(['env', 'env rotate', 'env schedule new', 'migrate', 'grant ls']),
  )
  expect(WITHOUT_JSON.filter((path) => !paths.includes(path))).toEqual([])
})

describe.each(commands)('rekey $path', ({ path, command }) => {
  test('says what it is for, on one line that needs no full stop', () => {
    const words = `rekey ${path}: give "about" in declare() as one phrase without a full stop at its end`
    expect(command.description(), words).toMatch(/^[^\n]{8,}[^.\n]$/)
  })

  test('shows an example', () => {
    const words = `rekey ${path}: add it with declare() or group() of cli/command.ts, and give at least one example`
    expect(examplesOf(command), words).not.toEqual([])
    for (const example of examplesOf(command)) expect(example, words).toMatch(/(^|[\s("])rekey\s/)
  })

  test('--help shows all of it', async () => {
    const { code, stdout } = await cli.run([...path.split(' '), '--help'])
    expect(code).toBe(0)
    for (const part of [...examplesOf(command), ...command.options.map(({ flags }) => flags)])
      expect(stdout).toContain(part)
  })

  test('each example can be typed: its command and its options exist', () => {
    for (const example of examplesOf(command)) {
      const { command: named, unknown } = read(example)
      const inOrBelow = commandPath(named) === path || commandPath(named).startsWith(`${path} `)
      expect(inOrBelow, `rekey ${path}: the example "${example}" shows another command`).toBe(true)
      expect(
        unknown,
        `rekey ${path}: the example "${example}" has words that this command does not take`,
      ).toEqual([])
    }
  })

  test('each option and argument says what it is for', () => {
    const options = command.createHelp().visibleOptions(command)
    const silent = options.filter(({ description }) => description.length < 4).map(({ flags }) => flags)
    expect(silent, `rekey ${path}: give these options a description`).toEqual([])
  })
})

test.each(leaves)('rekey $path offers --json, or prints no data', ({ path, command }) => {
  const offers = command.options.some(({ long }) => long === '--json')
  expect(
    offers,
    `rekey ${path}: put "json: true" into its declare() and print with printJson(), or name it in WITHOUT_JSON here`,
  ).toBe(!WITHOUT_JSON.includes(path))
})

/** The command that a line names, and the options and surplus words that it does not know. */
function read(example: string): { command: Command; unknown: string[] } {
  const line = /(?:^|[\s("])rekey\s+(.*)$/.exec(example)?.[1] ?? ''
  const words = line.replace(/\s+#.*$/, '').match(/'[^']*'|"[^"]*"|\S+/g) ?? []
  const unknown: string[] = []
  let command = program
  let operands = 0
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word === '--' || /^[<>|]/.test(word)) break
    const below = operands === 0 ? commandNamed(command, word) : undefined
    if (below) command = below
    else if (/^-./.test(word)) {
      const [flag] = word.split('=')
      const option = command.options.find(({ long, short }) => flag === long || flag === short)
      if (!option) unknown.push(word)
      else if ((option.required || option.optional) && !word.includes('=')) at++
    } else operands++
  }
  const { registeredArguments } = command
  const isVariadic = registeredArguments.at(-1)?.variadic === true
  if (operands > registeredArguments.length && !isVariadic) unknown.push(`${operands} arguments`)
  const needed = registeredArguments.filter(({ required }) => required).length
  if (operands < needed && !line.includes(' -- ')) unknown.push(`only ${operands} arguments`)
  return { command, unknown }
}

function commandNamed(command: Command, name: string): Command | undefined {
  return command.commands.find((sub) => sub.name() === name || sub.aliases().includes(name))
}
