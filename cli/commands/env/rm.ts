/** `rekey env rm`: removes an environment, or one value of its definition. */
import type { Command } from 'commander'
import { formatPropertyPath } from '../../../model/property-path.ts'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { changeDefinition, tellSaved } from '../../definition.ts'
import { documentPath } from '../../document-path.ts'
import { readNewest } from '../../environment-argument.ts'
import { Failure } from '../../failure.ts'
import { print, printJson } from '../../output.ts'
import { confirm } from '../../prompt.ts'

export function addEnvRm(env: Command, context: Context): void {
  declare(env, {
    usage: 'rm <env> [path]',
    about: 'remove one value below "values", or without a path the whole environment',
    examples: ['rekey env rm billing/production database.port', 'rekey env rm billing/old --yes'],
    json: true,
  })
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, path: string | undefined, options: { yes?: boolean; json?: boolean }) => {
      const api = context.api()
      const environment = await readNewest(api, name)
      const { fullName, shortName } = environment
      if (path !== undefined) {
        // Loaded here: no other command should wait for it.
        const { removeValue } = await import('../../../language/index.ts')
        const target = formatPropertyPath(documentPath(path))
        const revision = await changeDefinition(context, api, environment, (text) => {
          const without = removeValue(text, target)
          if (without === text) throw new Failure(`${shortName} defines nothing at ${path}`)
          return without
        })
        if (options.json) printJson(context, { environment: fullName, path, revision })
        else tellSaved(context, environment, revision)
        return
      }
      if (!options.yes) await confirm(context, `${fullName} and all its revisions will be removed`, shortName)
      await api.call('DELETE', environment.path)
      if (options.json) printJson(context, { environment: fullName, removed: true })
      else print(context, `Removed ${fullName}`)
    })
}
