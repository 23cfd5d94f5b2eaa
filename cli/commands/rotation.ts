/** `rekey rotation`: what rotations left to be decided, and deciding it. */
import type { Command } from 'commander'
import type { Api } from '../api.ts'
import { declare, group } from '../command.ts'
import type { Context } from '../context.ts'
import { endWith, EVENT_EXIT_CODES } from '../end-with.ts'
import { readEnvironment } from '../environment-argument.ts'
import { localTime, printJson, printTable } from '../output.ts'
import { showRotationRecord, type RotationRecord, type ShownRotation } from '../rotation-record.ts'
import { watchEvent } from '../watch-rotation.ts'

export function addRotation(program: Command, context: Context): void {
  const rotation = group(
    program,
    'rotation',
    'single rotations: what they left to be decided',
    'rekey rotation ls',
  )

  declare(rotation, {
    usage: 'ls [env]',
    about: 'list the rotations that left something in doubt, newest first, of one environment or of all',
    examples: ['rekey rotation ls', 'rekey rotation ls billing/production --all'],
    json: true,
  })
    .option('--all', 'also those that are settled')
    .action(async (name: string | undefined, options: { all?: boolean; json?: boolean }) => {
      const api = context.api()
      const environment = name === undefined ? undefined : await readEnvironment(api, name)
      const { json } = await api.call<{ rotations: RotationRecord[] }>(
        'GET',
        await pathOf(api, environment?.organization),
        { query: { environment: environment?.shortName, all: options.all ? 'true' : undefined } },
      )
      if (options.json) return printJson(context, json.rotations)
      printTable(
        context,
        ['ID', 'BEGUN', 'ENVIRONMENT', 'PATH', 'OUTCOME', 'CODE', 'LEFT'],
        json.rotations.map((one) => [
          one.id,
          localTime(one.created),
          one.environmentDeleted ? `${one.environment} (deleted)` : one.environment,
          one.environmentPath,
          one.status,
          one.errorCode ?? '-',
          one.leftover ?? '-',
        ]),
        options.all ? 'there are no rotations' : 'nothing is in doubt',
      )
    })

  declare(rotation, {
    usage: 'show <id>',
    about: 'show how far a rotation came, what it left, and what you can do next; never a secret',
    examples: ['rekey rotation show 5e0c7f9a-1f0e-4a57-9b0f-0c8f3d5f2a11'],
    json: true,
  }).action(async (id: string, options: { json?: boolean }) => {
    const api = context.api()
    const { json } = await api.call<ShownRotation>('GET', `${await pathOf(api)}/${encodeURIComponent(id)}`)
    if (options.json) printJson(context, json)
    else showRotationRecord(context, json)
  })

  declare(rotation, {
    usage: 'adopt <id>',
    about: 'publish the credential that a rotation left, once it and the one before have been tried',
    examples: ['rekey rotation adopt 5e0c7f9a-1f0e-4a57-9b0f-0c8f3d5f2a11'],
    json: true,
    exitCodes: EVENT_EXIT_CODES,
  }).action((id: string, options: { json?: boolean }) => decide('adopt', id, {}, options))

  declare(rotation, {
    usage: 'discard <id>',
    about: 'end a rotation without its credential: a refused value is let go, a key that it made is removed',
    examples: [
      'rekey rotation discard 5e0c7f9a-1f0e-4a57-9b0f-0c8f3d5f2a11',
      'rekey rotation discard 5e0c7f9a-1f0e-4a57-9b0f-0c8f3d5f2a11 --key AKIAIOSFODNN7EXAMPLE',
    ],
    json: true,
    exitCodes: EVENT_EXIT_CODES,
  })
    .option('--key <id>', 'remove this key, of which you know that nobody uses it')
    .option('--give-up', 'ask nobody and remove nothing: whatever is at the target stays there')
    .action((id: string, { key, giveUp, json }: { key?: string; giveUp?: boolean; json?: boolean }) =>
      decide('discard', id, { ...(key !== undefined && { key }), ...(giveUp && { giveUp }) }, { json }),
    )

  async function decide(
    action: 'adopt' | 'discard',
    id: string,
    body: object,
    { json }: { json?: boolean | undefined },
  ): Promise<void> {
    const api = context.api()
    const base = await pathOf(api)
    const answer = await watchEvent(context, api, {
      path: `${base}/${encodeURIComponent(id)}/${action}`,
      body,
      events: `${base}/events`,
      seeLater: `"rekey rotation show ${id}" tells how it went`,
    })
    endWith(context, answer, { name: 'the environment', json: json === true })
  }
}

async function pathOf(api: Api, organization?: string): Promise<string> {
  return `/api/esc/rotations/${encodeURIComponent(organization ?? (await api.organization()))}`
}
