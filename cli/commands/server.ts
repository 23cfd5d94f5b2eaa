/** `rekey server`: the HTTP API in this process, until it is told to stop. */
import type { Command } from 'commander'
import { declare } from '../command.ts'
import type { Context } from '../context.ts'
import { note } from '../output.ts'
import { untilAborted } from '../until-aborted.ts'

export function addServer(program: Command, context: Context): void {
  declare(program, {
    usage: 'server',
    about: 'run the HTTP API; starts while PostgreSQL or Temporal is away and recovers by itself',
    examples: ['REKEY_DATABASE_URL=postgres://rekey@db/rekey REKEY_KEY_FILE=/etc/rekey/key rekey server'],
  }).action(async () => {
    // Loaded here: no other command should wait for it.
    const { startServer } = await import('../../server/main.ts')
    const server = await startServer(context.settings())
    note(context, `rekey server listens on ${server.url}`)
    await untilAborted(context.signal)
    await server.close()
  })
}
