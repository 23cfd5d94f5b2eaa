/** `rekey env init`: makes an environment, with a first definition where one is given. */
import type { Command } from 'commander'
import { checkEnvironmentName } from '../../../model/environment-name.ts'
import { ApiError } from '../../api.ts'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { readDefinitionFile, saveDefinition, tellSaved } from '../../definition.ts'
import { readNewest } from '../../environment-argument.ts'
import { Failure } from '../../failure.ts'
import { note, print, printJson } from '../../output.ts'

export function addEnvInit(env: Command, context: Context): void {
  declare(env, {
    usage: 'init <env>',
    about: 'make an environment',
    examples: ['rekey env init billing/production', 'rekey env init billing/production -f production.yaml'],
    json: true,
  })
    .option('-f, --file <file>', 'its definition, "-" for standard input')
    .action(async (name: string, options: { file?: string; json?: boolean }) => {
      const api = context.api()
      const environment = await readNewest(api, name)
      checkEnvironmentName(environment)
      const text = options.file === undefined ? undefined : await readDefinitionFile(context, options.file)
      const body = { project: environment.project, name: environment.name }
      await api
        .call('POST', `/api/esc/environments/${encodeURIComponent(environment.organization)}`, { body })
        .catch((error: unknown) => {
          if (!(error instanceof ApiError) || error.status !== 409) throw error
          const edit = `rekey env edit ${environment.shortName}${options.file === undefined ? '' : ` -f ${options.file}`}`
          throw new Failure(`${error.message}; to change it, run "${edit}"`)
        })
      if (!options.json) print(context, `Made ${environment.fullName}`)
      let revision = 1
      if (text !== undefined) {
        try {
          revision = await saveDefinition(context, api, environment, text)
        } catch (error) {
          note(
            context,
            `${environment.shortName} is there, but empty: correct the file and run "rekey env edit ${environment.shortName} -f ${options.file}"`,
          )
          throw error
        }
        if (!options.json) tellSaved(context, environment, revision)
      }
      if (options.json) printJson(context, { environment: environment.fullName, revision })
    })
}
