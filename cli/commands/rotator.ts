/** `rekey rotator`: what can be rotated. */
import type { Command } from 'commander'
import { addCatalogue } from '../catalogue.ts'
import type { Context } from '../context.ts'

export function addRotator(program: Command, context: Context): void {
  addCatalogue(program, context, {
    name: 'rotator',
    plural: 'rotators',
    call: 'fn::rotate::',
    about: 'what can be rotated, and what each rotator takes and yields',
    example: 'postgres',
  })
}
