/** `rekey env get`: the definition as it is written; what it evaluates to is the business of `env open`. */
import type { Command } from 'commander'
import { parseDocument, stringify } from 'yaml'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { readDefinition } from '../../definition.ts'
import { documentPath } from '../../document-path.ts'
import { readEnvironment } from '../../environment-argument.ts'
import { Failure } from '../../failure.ts'
import { print, printJson } from '../../output.ts'

export function addEnvGet(env: Command, context: Context): void {
  declare(env, {
    usage: 'get <env> [path]',
    about: 'show the definition, or the part of it at a path below "values"',
    examples: ['rekey env get billing/production', 'rekey env get billing/production@3 database.host'],
    json: true,
  })
    .option('--show-secrets', 'with secrets in clear; needs the permission to open')
    .action(
      async (name: string, path: string | undefined, options: { showSecrets?: boolean; json?: boolean }) => {
        const api = context.api()
        const environment = await readEnvironment(api, name)
        const { text, revision } = await readDefinition(api, environment, {
          reveal: options.showSecrets === true,
        })
        const shown = path === undefined ? text : partOf(text, path, environment.shortName)
        if (options.json)
          printJson(context, { environment: environment.fullName, revision, definition: shown })
        else if (shown !== '') print(context, shown)
      },
    )
}

function partOf(text: string, path: string, name: string): string {
  const part: unknown = parseDocument(text, { version: '1.2', schema: 'core', intAsBigInt: true }).getIn(
    documentPath(path),
    true,
  )
  if (part === undefined) throw new Failure(`${name} defines nothing at ${path}`)
  return stringify(part)
}
