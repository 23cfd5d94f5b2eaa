/** `rekey env rotate`: rotates now, shows each path's progress, and tells by its exit code how it went. */
import type { Command } from 'commander'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { endWith } from '../../end-with.ts'
import { readNewest } from '../../environment-argument.ts'
import { EXIT, Failure } from '../../failure.ts'
import { endWithRehearsal, type RehearsalAnswer } from '../../rehearsal.ts'
import { eventToRetry } from '../../event-to-retry.ts'
import { watchRotation } from '../../watch-rotation.ts'

interface Options {
  force?: boolean
  failed?: boolean
  event?: string
  plan?: boolean
  json?: boolean
}

const EXIT_CODES = [
  {
    code: String(EXIT.succeeded),
    meaning: 'all that was asked for was rotated, or was young enough to be left alone',
  },
  { code: String(EXIT.error), meaning: 'nothing was begun: wrong usage, refused by the server, no network' },
  {
    code: String(EXIT.rotationFailed),
    meaning: 'the rotation failed, wholly or partly; what succeeded is published',
  },
  {
    code: String(EXIT.rotationUnknown),
    meaning: 'not known: a target did not tell, or the rotation goes on without us',
  },
]

export function addEnvRotate(env: Command, context: Context): void {
  declare(env, {
    usage: 'rotate <env> [paths...]',
    about: 'replace credentials now: all of the environment, or those at the paths given',
    examples: [
      'rekey env rotate billing/production',
      'rekey env rotate billing/production database.creds --json',
      'rekey env rotate billing/production --failed',
      'rekey env rotate billing/production --plan',
    ],
    json: true,
    exitCodes: EXIT_CODES,
  })
    .option(
      '--force',
      'also credentials that were replaced a moment ago; cuts off who still holds the one before',
    )
    .option('--failed', 'only what failed in the newest rotation, or in that of --event')
    .option('--event <id>', 'with --failed: the rotation whose failed paths are meant')
    .option(
      '--plan',
      'change nothing: say what a rotation would do now, and what would fail; exits as it would',
    )
    .action(async (name: string, paths: string[], options: Options) => {
      const api = context.api()
      const environment = await readNewest(api, name)
      if (options.plan === true) {
        if (options.failed === true || options.event !== undefined)
          throw new Failure('--plan takes paths, not --failed')
        const body = { paths, force: options.force === true }
        const { json } = await api.call<RehearsalAnswer>('POST', `${environment.path}/rotate/plan`, { body })
        return endWithRehearsal(context, json, { name: environment.shortName, json: options.json === true })
      }
      const failedOf = await eventToRetry(api, environment, { ...options, paths })
      const answer = await watchRotation(context, api, environment, {
        paths,
        force: options.force === true,
        ...(failedOf !== undefined && { failedOf }),
      })
      endWith(context, answer, { name: environment.shortName, json: options.json === true })
    })
}
