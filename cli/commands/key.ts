/** `rekey key`: replaces the key that wraps all others. Works on the store and the key file, where both are at hand. */
import type { Command } from 'commander'
import { declare, group } from '../command.ts'
import type { Context } from '../context.ts'
import { note, print, printJson, printTable } from '../output.ts'

export function addKey(program: Command, context: Context): void {
  const key = group(program, 'key', 'the key that wraps all others', 'rekey key rotate')

  declare(key, {
    usage: 'ls',
    about: 'the keys of REKEY_KEY_FILE or REKEY_KMS_KEY, and how much of the store the newest one wraps',
    examples: ['rekey key ls', 'rekey key ls --json'],
    json: true,
  }).action(async (options: { json?: boolean }) => {
    const { describeKeys } = await import('../store-keys.ts')
    const described = await describeKeys(context.settings())
    if (options.json) return printJson(context, described)
    printTable(
      context,
      ['KEY', 'HELD BY', 'USE'],
      described.keys.map(({ name, holder, use }) => [name, holder, use]),
    )
    note(context, `The newest key wraps ${described.total - described.older} of ${described.total} keys`)
  })

  declare(key, {
    usage: 'add',
    about:
      'put a new key below the ones of REKEY_KEY_FILE, not in use yet: hand the file to every machine before "rekey key rotate"',
    examples: ['rekey key add'],
    json: true,
  }).action(async (options: { json?: boolean }) => {
    const { addKey: add } = await import('../store-keys.ts')
    const added = await add(context.settings())
    if (options.json) return printJson(context, added)
    print(context, `Added the key ${added.name} to ${added.keyFile}`)
    note(context, 'Copy the file to every server and worker, then run "rekey key rotate"')
  })

  declare(key, {
    usage: 'rotate',
    about:
      'wrap everything in the store with a new key while Rekey serves: the key of "rekey key add", else one made now; ' +
      'with REKEY_KMS_KEY, that one. May be run again after it was cut off',
    examples: ['rekey key rotate', 'REKEY_KMS_KEY=alias/rekey rekey key rotate   # from the file to AWS KMS'],
    json: true,
  }).action(async (options: { json?: boolean }) => {
    const { rotateKey } = await import('../store-keys.ts')
    const done = await rotateKey(context.settings())
    if (options.json) return printJson(context, done)
    print(context, `Wrapped ${done.rewrapped} of ${done.total} keys with ${done.name}`)
    note(
      context,
      'Back up the new key. The one before still opens backups and what other machines wrap until they have the new ' +
        'one; "rekey key retire" removes it',
    )
  })

  declare(key, {
    usage: 'retire',
    about:
      'remove every key but the newest from REKEY_KEY_FILE, once nothing in the store needs them; ' +
      'backups from before "rekey key rotate" need the old file',
    examples: ['rekey key retire'],
    json: true,
  }).action(async (options: { json?: boolean }) => {
    const { retireKeys } = await import('../store-keys.ts')
    const done = await retireKeys(context.settings())
    if (options.json) return printJson(context, done)
    print(context, `Removed ${done.removed.length === 0 ? 'no key' : done.removed.join(', ')}`)
  })
}
