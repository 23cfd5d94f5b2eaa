/**
 * What the shells offer for a half-typed command line: read from the tree of commands, environment names from the
 * server. Never says that something went wrong: whoever presses Tab wants names or nothing.
 */
import type { Argument, Command, Option } from 'commander'
import type { Api } from './api.ts'
import type { Context } from './context.ts'
import { listEnvironments } from './environment-list.ts'

/** Milliseconds that a person waits after Tab without noticing that a server is slow. */
const PATIENCE = 1_500

export interface Candidate {
  value: string
  about: string
}

/** What the shell knows better than we: its files, the programs on PATH. */
export type Offer = Candidate[] | 'files' | 'commands'

/** `words` are those behind `rekey`, up to the cursor; the last one is half typed and may be empty. */
export async function complete(context: Context, program: Command, words: string[]): Promise<Offer> {
  const current = words.at(-1) ?? ''
  const { command, operands, pending, onlyOperands } = walk(program, words.slice(0, -1))
  if (pending) return optionValues(pending)
  const inside = onlyOperands ? null : /^(--[\w-]+)=/.exec(current)
  if (inside) {
    const prefix = inside[0]
    const values = optionValues(command.options.find(({ long }) => long === inside[1]))
    return typeof values === 'string'
      ? values
      : startingWith(
          current,
          values.map((one) => ({ ...one, value: prefix + one.value })),
        )
  }
  if (current.startsWith('-') && !onlyOperands) return startingWith(current, optionsOf(command))
  if (operands === 0 && command.commands.length > 0) return startingWith(current, subcommandsOf(command))
  return argumentValues(context, argumentAt(command, operands), operands, current)
}

interface Place {
  command: Command
  /** How many arguments the command has been given. */
  operands: number
  /** The option whose value is being typed. */
  pending: Option | undefined
  /** After `--`. */
  onlyOperands: boolean
}

function walk(program: Command, words: string[]): Place {
  const place: Place = { command: program, operands: 0, pending: undefined, onlyOperands: false }
  for (const word of words) {
    if (place.pending) place.pending = undefined
    else if (word === '--' && !place.onlyOperands) place.onlyOperands = true
    else if (/^-./.test(word) && !place.onlyOperands) {
      const option = place.command.options.find(({ long, short }) => word === long || word === short)
      if (option && (option.required || option.optional)) place.pending = option
    } else {
      const below = place.operands === 0 && place.command.commands.find((sub) => namesOf(sub).includes(word))
      if (below) place.command = below
      else place.operands++
    }
  }
  return place
}

function argumentAt({ registeredArguments }: Command, index: number): Argument | undefined {
  return (
    registeredArguments[index] ??
    (registeredArguments.at(-1)?.variadic ? registeredArguments.at(-1) : undefined)
  )
}

async function argumentValues(
  context: Context,
  argument: Argument | undefined,
  index: number,
  current: string,
): Promise<Offer> {
  if (!argument) return []
  if (argument.argChoices)
    return startingWith(
      current,
      argument.argChoices.map((value) => ({ value, about: '' })),
    )
  switch (argument.name()) {
    case 'env':
      return environmentNames(context, current)
    case 'rotator':
    case 'provider':
      return catalogueNames(context, `${argument.name()}s`, current)
    case 'file':
      return 'files'
    case 'command':
      return index === 1 ? 'commands' : 'files'
    default:
      return []
  }
}

function optionValues(option: Option | undefined): Offer {
  if (option?.argChoices) return option.argChoices.map((value) => ({ value, about: '' }))
  return option && /<(file|folder)>/.test(option.flags) ? 'files' : []
}

function optionsOf(command: Command): Candidate[] {
  const help = command.createHelp()
  return help
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long ? [{ value: long, about: description }] : []))
}

function subcommandsOf(command: Command): Candidate[] {
  const subs = command.createHelp().visibleCommands(command)
  return subs.map((sub) => ({ value: sub.name(), about: sub.description() }))
}

function namesOf(command: Command): string[] {
  return [command.name(), ...command.aliases()]
}

/** `project/name`, with the organization in front where the person began so; behind `@`, the revision tags. */
async function environmentNames(context: Context, current: string): Promise<Candidate[]> {
  try {
    const api = context.api(AbortSignal.any([context.signal, AbortSignal.timeout(PATIENCE)]))
    const at = current.indexOf('@')
    if (at >= 0) return startingWith(current, await revisionTags(api, current.slice(0, at))).filter(isPlain)
    const listed = await listEnvironments(api)
    const short = listed.map(({ project, name }) => ({ value: `${project}/${name}`, about: '' }))
    const full = listed.map(({ organization, project, name }) => ({
      value: `${organization}/${project}/${name}`,
      about: '',
    }))
    const offered = startingWith(current, short)
    return (offered.length > 0 ? offered : startingWith(current, full)).filter(isPlain)
  } catch {
    return []
  }
}

/** @param plural as the API has it: `rotators` */
async function catalogueNames(context: Context, plural: string, current: string): Promise<Candidate[]> {
  try {
    const api = context.api(AbortSignal.any([context.signal, AbortSignal.timeout(PATIENCE)]))
    const { json } = await api.call<Record<string, string[]>>('GET', `/api/esc/${plural}`)
    const names = json[plural] ?? []
    return startingWith(
      current,
      names.map((value) => ({ value, about: '' })),
    ).filter(isPlain)
  } catch {
    return []
  }
}

/** Shells put an offer into the line as it is: from a server that is not ours it could be a command. */
function isPlain({ value }: Candidate): boolean {
  return /^[\w./@-]+$/.test(value)
}

async function revisionTags(api: Api, name: string): Promise<Candidate[]> {
  // Loaded here: Tab without an @ should not wait for it.
  const { readEnvironment } = await import('./environment-argument.ts')
  const { path } = await readEnvironment(api, name)
  const { json } = await api.call<{ tags: { name: string; revision: number }[] }>(
    'GET',
    `${path}/versions/tags`,
  )
  return json.tags.map((tag) => ({ value: `${name}@${tag.name}`, about: `revision ${tag.revision}` }))
}

function startingWith(current: string, candidates: Candidate[]): Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(current))
}
