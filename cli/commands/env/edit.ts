/** `rekey env edit`: replaces the definition by a file, or by what the person makes of it in an editor. */
import type { Command } from 'commander'
import { ApiError, type Api } from '../../api.ts'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import {
  DefinitionRefused,
  readDefinition,
  readDefinitionFile,
  saveDefinition,
  tellSaved,
} from '../../definition.ts'
import { openDraft } from '../../draft.ts'
import { readNewest, type EnvironmentArgument } from '../../environment-argument.ts'
import { Failure } from '../../failure.ts'
import { note, print, printJson } from '../../output.ts'
import { ask } from '../../prompt.ts'

interface Options {
  file?: string
  showSecrets?: boolean
  json?: boolean
}

export function addEnvEdit(env: Command, context: Context): void {
  declare(env, {
    usage: 'edit <env>',
    about: 'change the definition in $VISUAL or $EDITOR, or replace it by a file',
    examples: ['rekey env edit billing/production', 'rekey env edit billing/production -f production.yaml'],
    json: true,
  })
    .option('-f, --file <file>', 'the new definition, "-" for standard input')
    .option('--show-secrets', 'edit with secrets in clear; needs the permission to open')
    .action(async (name: string, options: Options) => {
      const api = context.api()
      const environment = await readNewest(api, name)
      const revision =
        options.file === undefined
          ? await editByHand(context, api, environment, options)
          : await saveDefinition(context, api, environment, await readDefinitionFile(context, options.file))
      if (options.json) printJson(context, { environment: environment.fullName, revision: revision ?? null })
      else if (revision === undefined) print(context, 'Nothing was changed')
      else tellSaved(context, environment, revision)
    })
}

async function editByHand(
  context: Context,
  api: Api,
  environment: EnvironmentArgument,
  { showSecrets = false }: Options,
): Promise<number | undefined> {
  if (!context.input.isTTY)
    throw new Failure('there is no terminal for an editor: give the definition with -f')
  const before = await readDefinition(api, environment, { reveal: showSecrets })
  const draft = await openDraft(before.text)
  let kept = false
  try {
    for (;;) {
      const text = await draft.edit(context)
      if (text === before.text) return undefined
      try {
        return await saveDefinition(context, api, environment, text, before.etag)
      } catch (error) {
        if (error instanceof ApiError && error.status === 409) note(context, `not saved: ${error.message}`)
        else if (!(error instanceof DefinitionRefused)) throw error
        if (/^n/i.test(await ask(context, 'Edit again? [Y/n] '))) throw error
      }
    }
  } catch (error) {
    // With secrets in clear it must not stay behind.
    kept = !showSecrets
    if (kept) note(context, `your text is kept in ${draft.file}`)
    throw error
  } finally {
    if (!kept) await draft.discard()
  }
}
