/** `rekey dev`: everything on one machine. */
import type { Command } from 'commander'
import { declare } from '../command.ts'
import type { Context } from '../context.ts'

export function addDev(program: Command, _context: Context): void {
  declare(program, { usage: 'dev', about: 'run everything on this machine', examples: ['rekey dev'] })
}
