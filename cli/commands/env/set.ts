/** `rekey env set`: changes one value of the definition and leaves the rest of the text as it is. */
import type { Command } from 'commander'
import { parseDocument } from 'yaml'
import type { DefinitionValue } from '../../../language/index.ts'
import { formatPropertyPath } from '../../../model/property-path.ts'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { changeDefinition, tellSaved } from '../../definition.ts'
import { documentPath } from '../../document-path.ts'
import { readNewest } from '../../environment-argument.ts'
import { Failure } from '../../failure.ts'
import { printJson } from '../../output.ts'
import { readAll } from '../../prompt.ts'

interface Options {
  secret?: boolean
  string?: boolean
  json?: boolean
}

export function addEnvSet(env: Command, context: Context): void {
  declare(env, {
    usage: 'set <env> <path> <value>',
    about:
      'set one value below "values"; "-" reads it from standard input, which keeps secrets out of the shell',
    examples: [
      'rekey env set billing/production database.port 5432',
      'rekey env set billing/production database.password - --secret < password.txt',
    ],
    json: true,
  })
    .option('--secret', 'seal it: written as fn::secret')
    .option('--string', 'take the value as text even where it reads as YAML; secrets always are')
    .action(async (name: string, path: string, given: string, options: Options) => {
      const target = formatPropertyPath(documentPath(path))
      const text = given === '-' ? (await readAll(context.input)).replace(/\r?\n$/, '') : given
      const value = options.string || options.secret ? text : readYaml(text)
      // Loaded here: no other command should wait for it.
      const { setValue } = await import('../../../language/index.ts')
      const api = context.api()
      const environment = await readNewest(api, name)
      const revision = await changeDefinition(context, api, environment, (definition) =>
        setValue(definition, target, value, { secret: options.secret === true }),
      )
      if (options.json) printJson(context, { environment: environment.fullName, path, revision })
      else tellSaved(context, environment, revision)
    })
}

function readYaml(text: string): DefinitionValue {
  const document = parseDocument(text, { version: '1.2', schema: 'core' })
  if (document.errors.length > 0)
    throw new Failure('the value is not YAML: put it in quotes, or add --string to take it as text')
  const value = document.toJS() as DefinitionValue
  // A number with more digits than a double holds would change on the way.
  return typeof value === 'number' && String(value) !== text.trim() ? readNumber(text, value) : value
}

function readNumber(text: string, value: number): DefinitionValue {
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new Failure(`${text} has more digits than can be kept as a number: add --string to take it as text`)
  return value
}
