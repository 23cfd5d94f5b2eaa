/** `ls` and `show` of what a server knows by name with a schema: its rotators and its login providers. */
import type { Command } from 'commander'
import type { JSONSchema } from '../model/json-schema.ts'
import { schemaRows } from '../model/schema-rows.ts'
import { declare, group } from './command.ts'
import type { Context } from './context.ts'
import { print, printJson, printTable, styled } from './output.ts'

export interface Kind {
  /** As the command and its arguments have it: `rotator`. */
  name: string
  plural: string
  /** How a definition calls one. */
  call: string
  about: string
  /** One that every server has. */
  example: string
}

/** What the API answers; unknown fields are left to `--json`. */
interface Described {
  name: string
  description: string
  inputs: JSONSchema
  outputs: JSONSchema
  slots?: number
  withoutTarget?: boolean
  permissions?: { who: string; grant: string; why: string }[]
}

export function addCatalogue(program: Command, context: Context, kind: Kind): void {
  const { name, plural, call, about, example } = kind
  const base = `/api/esc/${plural}`
  const parent = group(program, name, about, `rekey ${name} show ${example}`)
  const describe = async (one: string) =>
    (await context.api().call<Described>('GET', `${base}/${encodeURIComponent(one)}/schema`)).json

  declare(parent, {
    usage: 'ls',
    about: `list the ${plural} of the server, for ${call}<name> in definitions`,
    examples: [`rekey ${name} ls`],
    json: true,
  }).action(async ({ json }: { json?: boolean }) => {
    const listed = (await context.api().call<Record<string, string[]>>('GET', base)).json[plural] ?? []
    if (json) return printJson(context, listed)
    const described = await Promise.all(listed.map(describe))
    printTable(
      context,
      [name.toUpperCase(), 'FOR', 'NEEDED INPUTS'],
      described.map((one) => [one.name, one.description, (one.inputs.required ?? []).join(', ') || '-']),
      `the server has no ${plural}`,
    )
  })

  declare(parent, {
    usage: `show <${name}>`,
    about: `show what a ${name} takes and yields`,
    examples: [`rekey ${name} show ${example}`, `rekey ${name} show ${example} --json`],
    json: true,
  }).action(async (one: string, { json }: { json?: boolean }) => {
    const described = await describe(one)
    if (json) return printJson(context, described)
    print(context, styled(context, 'output', 'bold', `${call}${described.name}: ${described.description}`))
    showSchema(context, 'INPUT', described.inputs)
    showSchema(context, 'OUTPUT', described.outputs)
    if (described.withoutTarget)
      print(
        context,
        '\nno target: nothing outside Rekey is told, and nothing logs in before a value is published',
      )
    if (described.permissions?.length) {
      print(context, '\n')
      printTable(
        context,
        ['WHO', 'GRANT', 'WHY'],
        described.permissions.map(({ who, grant, why }) => [who, grant, why]),
      )
    }
  })
}

function showSchema(context: Context, heading: string, schema: JSONSchema): void {
  print(context, '\n')
  printTable(
    context,
    [heading, 'TYPE', 'MARKS', 'MEANING'],
    schemaRows(schema).map((row) => [
      row.path,
      row.type,
      [
        row.isRequired ? 'required' : '',
        row.isSecret ? 'secret' : '',
        row.isRotateOnly ? 'rotate-only' : '',
        row.isDeprecated ? 'deprecated' : '',
      ]
        .filter((mark) => mark !== '')
        .join(', ') || '-',
      row.meaning,
    ]),
  )
}
