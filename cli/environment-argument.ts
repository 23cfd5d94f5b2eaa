/** What people type for an environment, as its name and its address in the API. */
import {
  parseEnvironmentReference,
  type EnvironmentReference,
  type Version,
} from '../model/environment-name.ts'
import type { Api } from './api.ts'
import { Failure } from './failure.ts'

export interface EnvironmentArgument extends EnvironmentReference {
  /** `project/env`, the name that diagnostics use. */
  shortName: string
  /** `organization/project/env`. */
  fullName: string
  /** Path of the environment in the API. */
  path: string
  /** Path of the revision asked for. */
  versionPath: string
}

/** Reads `[organization/][project/]env[@revision or tag]`. @throws Refusal invalid */
export async function readEnvironment(api: Api, text: string): Promise<EnvironmentArgument> {
  const parts = text.split(/[@:]/, 1)[0]!.split('/')
  const organization = parts.length === 3 && parts[0] ? parts[0] : await api.organization()
  const reference = parseEnvironmentReference(text, organization)
  const { project, name, version } = reference
  const path = `/api/esc/environments/${[organization, project, name].map(encodeURIComponent).join('/')}`
  return {
    ...reference,
    shortName: `${project}/${name}`,
    fullName: `${organization}/${project}/${name}`,
    path,
    versionPath: version.kind === 'latest' ? path : `${path}/versions/${versionText(version)}`,
  }
}

/** As `readEnvironment`, where only the newest revision makes sense. @throws Failure */
export async function readNewest(api: Api, text: string): Promise<EnvironmentArgument> {
  const environment = await readEnvironment(api, text)
  if (environment.version.kind !== 'latest')
    throw new Failure(
      `this works on the newest revision only: write ${environment.shortName} without a revision`,
    )
  return environment
}

/** The revision asked for, as the API takes it; undefined for the newest. */
export function versionOf({ version }: EnvironmentReference): string | undefined {
  if (version.kind === 'latest') return undefined
  return version.kind === 'number' ? String(version.number) : version.tag
}

function versionText(version: Version): string {
  return encodeURIComponent(
    version.kind === 'number' ? String(version.number) : version.kind === 'tag' ? version.tag : 'latest',
  )
}
