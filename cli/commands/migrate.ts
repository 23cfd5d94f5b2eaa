/** `rekey migrate`: brings the store's schema up to date, ties a new store to a new key when asked to, and registers at Temporal. */
import type { Command } from 'commander'
import { declare } from '../command.ts'
import type { Context } from '../context.ts'
import { note, print, printJson } from '../output.ts'

export function addMigrate(program: Command, context: Context): void {
  declare(program, {
    usage: 'migrate',
    about:
      'bring the schema of REKEY_DATABASE_URL up to date and register the search attributes of REKEY_TEMPORAL_ADDRESS; ' +
      'run it before server and worker of a new version',
    examples: ['rekey migrate', 'rekey migrate --new-key   # a new store: makes REKEY_KEY_FILE as well'],
    json: true,
  })
    .option('--new-key', 'make the key file of a new store and tie the store to it; never replaces a key')
    .action(async (options: { newKey?: boolean; json?: boolean }) => {
      const settings = context.settings()
      // Loaded here: no other command should wait for it.
      const { migrateStore } = await import('../migrate-store.ts')
      const { describeRegistration, registerInTemporal } = await import('../register-search-attributes.ts')
      const { TemporalAccess } = await import('../../client/access.ts')
      // First: what is wrong in the settings stops it before anything is changed.
      const access = await TemporalAccess.open(settings)
      const { applied, key } = await migrateStore(settings, options.newKey === true)
      const registered = await registerInTemporal(access)
      const searchAttributes = typeof registered === 'string' ? null : registered
      if (options.json)
        return printJson(context, { applied, key, keyFile: settings.keyFile, searchAttributes })
      print(context, applied.length > 0 ? `Applied ${applied.join(', ')}` : 'The schema is up to date')
      print(context, describeKey(key, settings))
      // What is not there yet is no result: it comes when server and worker start.
      const tell = searchAttributes && Object.keys(searchAttributes.missing).length === 0 ? print : note
      tell(context, describeRegistration(registered))
    })
}

function describeKey(
  key: string,
  { keyFile, kmsKey }: { keyFile: string; kmsKey: string | undefined },
): string {
  if (kmsKey !== undefined && key !== 'missing') return `The store is tied to the key ${kmsKey} of AWS KMS`
  switch (key) {
    case 'made':
      return `Made the key file ${keyFile}: keep a copy of it in a safe place`
    case 'tied':
      return `The store is tied to the key file ${keyFile}, which was there already`
    case 'kept':
      return `The key file ${keyFile} is the one of this store`
    default:
      return 'No key has sealed this store yet: run "rekey migrate --new-key" once'
  }
}
