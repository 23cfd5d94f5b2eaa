/** `rekey env check`: whether a definition in a file is right, without saving it anywhere. */
import type { Command } from 'commander'
import type { Diagnostic } from '../../../model/diagnostic.ts'
import { ApiError, type Api } from '../../api.ts'
import { declare } from '../../command.ts'
import type { Context } from '../../context.ts'
import { readDefinitionFile } from '../../definition.ts'
import { showDiagnostics } from '../../diagnostics.ts'
import { EXIT, Failure } from '../../failure.ts'
import { print, printJson } from '../../output.ts'

/** What the API calls a text without a name. */
const NAMELESS = '<yaml>'

export function addEnvCheck(env: Command, context: Context): void {
  declare(env, {
    usage: 'check <file>',
    about: 'check the definition in a file, "-" for standard input; opens, rotates and saves nothing',
    examples: ['rekey env check production.yaml', 'rekey env check - < production.yaml'],
    json: true,
    exitCodes: [
      { code: String(EXIT.succeeded), meaning: 'the definition is right; there may be warnings' },
      { code: String(EXIT.error), meaning: 'it has errors, or could not be checked' },
    ],
  }).action(async (file: string, options: { json?: boolean }) => {
    const text = await readDefinitionFile(context, file)
    const api = context.api()
    const diagnostics = await check(api, text)
    const errors = diagnostics.filter(({ severity }) => severity !== 'warning')
    if (options.json) printJson(context, { valid: errors.length === 0, diagnostics })
    else
      showDiagnostics(
        context,
        diagnostics.map((found) => inFile(found, file)),
        { [file]: text },
      )
    if (errors.length > 0)
      throw new Failure(
        `${file} is not right: correct ${errors.length === 1 ? 'the error' : `the ${errors.length} errors`} above`,
      )
    if (!options.json) print(context, `${file} is right`)
  })
}

async function check(api: Api, text: string): Promise<Diagnostic[]> {
  const path = `/api/esc/environments/${encodeURIComponent(await api.organization())}/yaml/check`
  try {
    return (
      (await api.call<{ diagnostics?: Diagnostic[] }>('POST', path, { body: text })).json.diagnostics ?? []
    )
  } catch (error) {
    if (!(error instanceof ApiError) || error.diagnostics.length === 0) throw error
    return error.diagnostics
  }
}

function inFile(diagnostic: Diagnostic, file: string): Diagnostic {
  const { range } = diagnostic
  return range?.environment === NAMELESS
    ? { ...diagnostic, range: { ...range, environment: file } }
    : diagnostic
}
