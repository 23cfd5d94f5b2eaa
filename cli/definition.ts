/** Reads and saves the definition of an environment; shows what the server finds wrong with it. */
import { readFile } from 'node:fs/promises'
import type { Diagnostic } from '../model/diagnostic.ts'
import { ApiError, type Api } from './api.ts'
import type { Context } from './context.ts'
import { showDiagnostics } from './diagnostics.ts'
import type { EnvironmentArgument } from './environment-argument.ts'
import { Failure } from './failure.ts'
import { print } from './output.ts'
import { readAll } from './prompt.ts'

const REVISION_HEADER = 'Pulumi-ESC-Revision'

export interface Definition {
  text: string
  etag: string
  revision: number
}

/** The text of the revision asked for, secrets sealed unless `reveal`. */
export async function readDefinition(
  api: Api,
  environment: EnvironmentArgument,
  { reveal = false } = {},
): Promise<Definition> {
  const { text, headers } = await api.call('GET', environment.versionPath + (reveal ? '/decrypt' : ''))
  return { text, etag: headers.get('etag') ?? '', revision: Number(headers.get(REVISION_HEADER)) }
}

/** Returns the new revision's number. With `etag` it is refused when somebody else saved meanwhile. @throws ApiError */
export async function saveDefinition(
  context: Context,
  api: Api,
  environment: EnvironmentArgument,
  text: string,
  etag?: string,
): Promise<number> {
  const sources = { [environment.shortName]: text }
  try {
    const { json, headers } = await api.call<{ diagnostics?: Diagnostic[] }>('PATCH', environment.path, {
      body: text,
      ...(etag !== undefined && { headers: { etag } }),
    })
    showDiagnostics(context, json?.diagnostics ?? [], sources)
    return Number(headers.get(REVISION_HEADER))
  } catch (error) {
    if (!(error instanceof ApiError) || error.diagnostics.length === 0) throw error
    showDiagnostics(context, error.diagnostics, sources)
    throw new DefinitionRefused(`${environment.shortName} was not changed: correct the definition, see above`)
  }
}

/** The diagnostics were shown already. */
export class DefinitionRefused extends Failure {
  override name = 'DefinitionRefused'
}

/**
 * Reads, edits, and saves what was edited; once more when somebody else saved in between.
 * @throws Failure when that happens twice
 */
export async function changeDefinition(
  context: Context,
  api: Api,
  environment: EnvironmentArgument,
  edit: (text: string) => string,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const { text, etag } = await readDefinition(api, environment)
    try {
      return await saveDefinition(context, api, environment, edit(text), etag)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409 || attempt > 1) throw error
    }
  }
}

export async function readDefinitionFile(context: Context, file: string): Promise<string> {
  if (file === '-') return readAll(context.input)
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`the file ${file} cannot be read (${error.code})`)
  })
}

export function tellSaved(context: Context, { shortName }: EnvironmentArgument, revision: number): void {
  print(context, `Saved ${shortName} as revision ${revision}`)
}
