/** `rekey oidc`: the keys that sign identity tokens. They are the whole installation's, so it works on the store itself. */
import type { Command } from 'commander'
import type { OidcStore } from '../../environments/oidc/keys.ts'
import { keyTimes } from '../../environments/oidc/settings.ts'
import type { OidcKey } from '../../store/oidc-keys.ts'
import { declare, group } from '../command.ts'
import type { Context } from '../context.ts'
import { localTime, note, print, printJson, printTable } from '../output.ts'

const USES = {
  next: 'published, signs later',
  signs: 'signs',
  retired: 'published for what it signed',
}

export function addOidc(program: Command, context: Context): void {
  const oidc = group(
    program,
    'oidc',
    'Rekey as an OpenID provider: the keys of its identity tokens',
    'rekey oidc ls',
  )
  const withOidcStore = async <T>(work: (store: OidcStore) => Promise<T>): Promise<T> => {
    const { withStore } = await import('../store-keys.ts')
    return await withStore(context.settings(), (db, keeper) => work({ db, keeper }))
  }

  declare(oidc, {
    usage: 'ls',
    about:
      'the issuer, and the keys that are published, oldest first; works on the store, as "rekey key" does',
    examples: ['rekey oidc ls', 'rekey oidc ls --json'],
    json: true,
  }).action(async (options: { json?: boolean }) => {
    const { oidcIssuer = null } = context.settings()
    const { oidcKeys } = await import('../../store/oidc-keys.ts')
    const keys = await withOidcStore(({ db }) => oidcKeys(db))
    if (options.json) return printJson(context, { issuer: oidcIssuer, keys: keys.map(described) })
    printKeys(keys)
    note(
      context,
      oidcIssuer === null ? 'REKEY_OIDC_ISSUER is not set: no tokens are made' : `Issuer: ${oidcIssuer}`,
    )
  })

  declare(oidc, {
    usage: 'rotate',
    about:
      'make the next key now, before REKEY_OIDC_KEY_LIFETIME is over: published at once, it signs after REKEY_OIDC_KEY_LEAD. ' +
      'Makes none where one waits already',
    examples: ['rekey oidc rotate', 'rekey oidc rotate --revoke   # a key is in other hands'],
    json: true,
  })
    .option(
      '--revoke',
      'take all keys away at once, with the tokens that they signed, and sign with a new one from now on',
    )
    .action(async (options: { revoke?: boolean; json?: boolean }) => {
      const { revokeOidcKeys, rotateOidcKey } = await import('../../environments/oidc/keys.ts')
      const { oidcKeys } = await import('../../store/oidc-keys.ts')
      const { keys, removed } = await withOidcStore(async (store) => {
        if (!options.revoke)
          return { keys: await rotateOidcKey(store, keyTimes(context.settings())), removed: [] }
        const done = await revokeOidcKeys(store)
        return { keys: await oidcKeys(store.db), ...done }
      })
      if (options.json) return printJson(context, { keys: keys.map(described), removed })
      if (options.revoke) {
        print(context, `Removed ${removed.length === 0 ? 'no key' : removed.join(', ')}`)
        note(
          context,
          'Who checks tokens may remember the removed keys for some minutes more, and learns of the new one then',
        )
      }
      printKeys(keys)
    })

  function printKeys(keys: OidcKey[]): void {
    printTable(
      context,
      ['KEY', 'USE', 'SIGNS FROM', 'UNTIL'],
      keys.map(({ id, state, signsFrom, signsUntil }) => [
        id,
        USES[state],
        localTime(signsFrom.toISOString()),
        signsUntil ? localTime(signsUntil.toISOString()) : '-',
      ]),
      'there are no keys yet; the first is made when it is needed',
    )
  }
}

/** For scripts. Nothing of the private key is ever here. */
function described({ id, state, createdAt, signsFrom, signsUntil }: OidcKey) {
  return { id, state, createdAt, signsFrom, signsUntil }
}
