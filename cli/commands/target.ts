/** `rekey target`: which path of which environment holds a target, and freeing one. */
import type { Command } from 'commander'
import { declare, group } from '../command.ts'
import type { Context } from '../context.ts'
import { endWith, EVENT_EXIT_CODES } from '../end-with.ts'
import { printJson, printTable } from '../output.ts'
import { watchEvent } from '../watch-rotation.ts'

interface Claim {
  target: string
  environment: string
  environmentDeleted?: string
  environmentPath: string
  claimed: string
  unsettled: string[]
}

export function addTarget(program: Command, context: Context): void {
  const target = group(
    program,
    'target',
    'users at their places, each held by one path of one environment',
    'rekey target ls',
  )
  const base = async () => {
    const api = context.api()
    return { api, path: `/api/esc/targets/${encodeURIComponent(await api.organization())}` }
  }

  declare(target, {
    usage: 'ls',
    about: 'list the targets, who holds each, and the rotations that left something in doubt there',
    examples: ['rekey target ls'],
    json: true,
  }).action(async (options: { json?: boolean }) => {
    const { api, path } = await base()
    const { json } = await api.call<{ targets: Claim[] }>('GET', path)
    if (options.json) return printJson(context, json.targets)
    printTable(
      context,
      ['TARGET', 'ENVIRONMENT', 'PATH', 'IN DOUBT'],
      json.targets.map((claim) => [
        claim.target,
        claim.environmentDeleted ? `${claim.environment} (deleted)` : claim.environment,
        claim.environmentPath,
        claim.unsettled.join(', ') || '-',
      ]),
      'no target is held',
    )
  })

  declare(target, {
    usage: 'release <target>',
    about: 'free a target whose call is gone or was moved, for whoever rotates it next',
    examples: ['rekey target release postgres://db.example.com:5432/app_1'],
    json: true,
    exitCodes: EVENT_EXIT_CODES,
  })
    .option('--give-up', 'also while a rotation of it is in doubt: whatever is at the target stays there')
    .action(async (name: string, options: { giveUp?: boolean; json?: boolean }) => {
      const { api, path } = await base()
      const answer = await watchEvent(context, api, {
        path: `${path}/release`,
        body: { target: name, ...(options.giveUp && { giveUp: true }) },
        events: `${path.replace('/targets/', '/rotations/')}/events`,
        seeLater: '"rekey target ls" tells whether it is free',
      })
      endWith(context, answer, { name: 'the environment', json: options.json === true })
    })
}
