/** `rekey worker`: workflows and activities in this process, until it is told to stop. */
import type { Command } from 'commander'
import { declare } from '../command.ts'
import type { Context } from '../context.ts'

export function addWorker(program: Command, context: Context): void {
  declare(program, {
    usage: 'worker',
    about: 'run rotations; any number of workers may run, and each waits for what is away',
    examples: ['REKEY_TEMPORAL_ADDRESS=temporal:7233 REKEY_KEY_FILE=/etc/rekey/key rekey worker'],
  }).action(async () => {
    // Loaded here: no other command should wait for it.
    const { runWorker } = await import('../../worker/main.ts')
    await runWorker(context.settings(), context.signal)
  })
}
