/** `rekey env clone`: a copy of an environment under another name. */
import type { Command } from 'commander'
import { checkEnvironmentName } from '../../../model/environment-name.ts'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { readEnvironment, readNewest, versionOf } from '../../environment-argument.ts'
import { print, printJson } from '../../output.ts'

interface Options {
  history?: boolean
  grants?: boolean
  tags?: boolean
  json?: boolean
}

export function addEnvClone(env: Command, context: Context): void {
  declare(env, {
    usage: 'clone <env> <new>',
    about:
      'copy an environment; its rotate calls are copied without their credentials, which stay with the first',
    examples: [
      'rekey env clone billing/production billing/staging',
      'rekey env clone billing/production@3 billing/audit --history --grants',
    ],
    json: true,
  })
    .option('--history', 'with all revisions up to it, not that one alone')
    .option('--grants', 'with the grants that people have on it')
    .option('--tags', 'with its revision tags')
    .action(async (from: string, to: string, options: Options) => {
      const api = context.api()
      const source = await readEnvironment(api, from)
      const target = await readNewest(api, to)
      checkEnvironmentName(target)
      const version = versionOf(source)
      await api.call('POST', `${source.path}/clone`, {
        body: {
          project: target.project,
          name: target.name,
          ...(version !== undefined && { version }),
          preserveHistory: options.history === true,
          preserveAccess: options.grants === true,
          preserveRevisionTags: options.tags === true,
        },
      })
      if (options.json) printJson(context, { environment: target.fullName, from: source.fullName })
      else print(context, `Made ${target.fullName} from ${source.fullName}`)
    })
}
