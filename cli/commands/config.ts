/** `rekey config`: the settings as they are, secrets masked. */
import type { Command } from 'commander'
import { describeConfig } from '../../config/index.ts'
import { declare } from '../command.ts'
import type { Context } from '../context.ts'
import { printJson, printTable } from '../output.ts'

export function addConfig(program: Command, context: Context): void {
  declare(program, {
    usage: 'config',
    about: 'show all settings, their values and what they mean; secrets are masked',
    examples: ['REKEY_MIN_SCHEDULE_INTERVAL=15m rekey config'],
    json: true,
  }).action((options: { json?: boolean }) => {
    const settings = describeConfig(context.settings())
    if (options.json) return printJson(context, settings)
    printTable(
      context,
      ['SETTING', 'VALUE', 'MEANING'],
      settings.map(({ name, value, about }) => [name, value || '(unset)', about]),
    )
  })
}
