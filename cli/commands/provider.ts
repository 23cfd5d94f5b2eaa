/** `rekey provider`: the logins that a definition can open. Not `rekey login`, which is about whom one talks to. */
import type { Command } from 'commander'
import { addCatalogue } from '../catalogue.ts'
import type { Context } from '../context.ts'

export function addProvider(program: Command, context: Context): void {
  addCatalogue(program, context, {
    name: 'provider',
    plural: 'providers',
    call: 'fn::open::',
    about: 'the login providers, and what each takes and yields',
    example: 'aws-login',
  })
}
