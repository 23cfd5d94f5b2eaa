/** `rekey env open`: evaluates an environment and prints its values, secrets in clear. */
import { Option, type Command } from 'commander'
import { stringify } from 'yaml'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { readPath } from '../../document-path.ts'
import { readEnvironment } from '../../environment-argument.ts'
import { Failure } from '../../failure.ts'
import { formatJson, rawNumber } from '../../json.ts'
import { note, print } from '../../output.ts'
import { openEnvironment, plainOf, scalarsUnder, textOf, valueAt, type WireValue } from '../../values.ts'

const FORMATS = ['json', 'yaml', 'dotenv', 'shell', 'string'] as const
type Format = (typeof FORMATS)[number]

interface Options {
  format: Format
  duration?: string
  json?: boolean
}

export function addEnvOpen(env: Command, context: Context): void {
  declare(env, {
    usage: 'open <env> [path]',
    about: 'evaluate the environment and print its values with secrets in clear',
    examples: [
      'rekey env open billing/production',
      'rekey env open billing/production database.creds.current.password --format string',
      'eval "$(rekey env open billing/production --format shell)"',
    ],
    json: true,
  })
    .addOption(
      new Option('--format <format>', 'dotenv and shell print environmentVariables')
        .choices(FORMATS)
        .default('json'),
    )
    .option('--duration <time>', 'how long the session lasts on the server, such as 15m or 2h')
    .action(async (name: string, path: string | undefined, options: Options) => {
      const format = options.json ? 'json' : options.format
      if (path !== undefined && (format === 'dotenv' || format === 'shell'))
        throw new Failure(`--format ${format} prints environmentVariables and takes no path`)
      const segments = path === undefined ? [] : readPath(path)
      const api = context.api()
      const environment = await readEnvironment(api, name)
      const root = await openEnvironment(context, api, environment, options.duration)
      if (Object.keys(scalarsUnder(root, 'files')).length > 0 && (format === 'dotenv' || format === 'shell'))
        note(context, 'files are left out: only "rekey env run" writes them, and removes them again')
      print(context, formatValue(root, valueAt(root, segments), format))
    })
}

function formatValue(root: WireValue, value: WireValue, format: Format): string {
  switch (format) {
    case 'json':
      return formatJson(plainOf(value))
    case 'yaml':
      return stringify(plainOf(value), yamlNumber)
    case 'string':
      return textOf(value)
    case 'dotenv':
      return lines(root, (name, text) => `${name}=${quoteDotenv(text)}`)
    case 'shell':
      return lines(root, (name, text) => `export ${name}='${text.replaceAll("'", String.raw`'\''`)}'`)
  }
}

/** YAML knows no raw JSON; digits beyond a double go out as big integers where they are whole. */
function yamlNumber(_key: unknown, value: unknown): unknown {
  const digits = rawNumber(value)
  if (digits === undefined) return value
  return /^-?\d+$/.test(digits) ? BigInt(digits) : Number(digits)
}

function lines(root: WireValue, line: (name: string, text: string) => string): string {
  const pairs = Object.entries(scalarsUnder(root, 'environmentVariables'))
  for (const [name] of pairs)
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new Failure(`environmentVariables holds "${name}", which is no name of a variable`)
  return pairs.map(([name, text]) => `${line(name, text)}\n`).join('')
}

function quoteDotenv(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('$', '\\$')
  return `"${escaped}"`
}
