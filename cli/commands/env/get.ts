/** `rekey env get`: the definition as it is written; what it evaluates to is the business of `env open`. */
import type { Command } from 'commander'
import { parseDocument, stringify } from 'yaml'
import { formatPropertyPath, type PropertyPath } from '../../../model/property-path.ts'
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
        const segments = path === undefined ? undefined : documentPath(path)
        const api = context.api()
        const environment = await readEnvironment(api, name)
        const { text, revision } = await readDefinition(api, environment, {
          reveal: options.showSecrets === true,
        })
        const shown = segments === undefined ? text : partOf(text, segments, environment.shortName)
        if (options.json)
          printJson(context, { environment: environment.fullName, revision, definition: shown })
        else if (shown !== '') print(context, shown)
      },
    )
}

function partOf(text: string, path: PropertyPath, name: string): string {
  const document = parseDocument(text, { version: '1.2', schema: 'core', intAsBigInt: true })
  const part: unknown = document.getIn(path, true)
  if (part === undefined) throw new Failure(`${name} defines nothing at ${formatPropertyPath(path)}`)
  return stringify(part)
}
