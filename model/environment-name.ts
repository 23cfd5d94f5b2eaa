/** Names of environments and references to them, as the ESC API and the language spell them. */
import { Refusal } from './refusal.ts'

export interface EnvironmentName {
  organization: string
  project: string
  name: string
}

/** Which revision: the newest, a number, or a tag. */
export type Version = { kind: 'latest' } | { kind: 'number'; number: number } | { kind: 'tag'; tag: string }

export interface EnvironmentReference extends EnvironmentName {
  version: Version
}

export const DEFAULT_PROJECT = 'default'

const ORGANIZATION = /^[A-Za-z0-9][A-Za-z0-9_-]{1,38}[A-Za-z0-9]$/
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$/
const TAG = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/
/** Words that stand in the place of a project or an environment in the API's own addresses. */
const RESERVED_PROJECTS = new Set(['yaml', 'restore', 'tags'])
const RESERVED_NAMES = new Set(['yaml', 'open'])
const LARGEST_REVISION = 2 ** 31 - 1

/** @throws Refusal invalid */
export function checkOrganizationName(organization: string): void {
  if (!ORGANIZATION.test(organization))
    refuse(`"${organization}" cannot name an organization: 3 to 40 letters, digits, - or _`)
}

/** @throws Refusal invalid, when a new environment cannot be called so. */
export function checkEnvironmentName({ organization, project, name }: EnvironmentName): void {
  checkOrganizationName(organization)
  const rule = '1 to 100 letters, digits, -, _ or ., not starting with a dot'
  if (!NAME.test(project)) refuse(`"${project}" cannot name a project: ${rule}`)
  if (RESERVED_PROJECTS.has(project)) refuse(`"${project}" cannot name a project: the word is reserved`)
  if (!NAME.test(name)) refuse(`"${name}" cannot name an environment: ${rule}`)
  if (RESERVED_NAMES.has(name)) refuse(`"${name}" cannot name an environment: the word is reserved`)
}

/** @throws Refusal invalid, when a revision tag cannot be called so. */
export function checkTagName(tag: string): void {
  if (!TAG.test(tag))
    refuse(`"${tag}" cannot name a revision: 1 to 100 letters, digits, -, _ or ., starting with a letter`)
  if (tag === 'latest')
    refuse('the tag "latest" always names the newest revision and cannot be set or removed')
}

/**
 * Reads `env`, `project/env` or `organization/project/env`, each with `@revision` or `@tag` behind it if wanted.
 * `env` alone is in the project `default`; the organization may only be the one asked from.
 * @throws Refusal invalid
 */
export function parseEnvironmentReference(text: string, organization: string): EnvironmentReference {
  const at = text.includes('@') ? text.indexOf('@') : text.indexOf(':')
  const path = at < 0 ? text : text.slice(0, at)
  const version = parseVersion(at < 0 ? '' : text.slice(at + 1))
  const parts = path.split('/')
  if (parts.length === 3 && parts[0] !== organization)
    refuse(
      `"${text}" is in another organization; only environments of "${organization}" can be reached from here`,
    )
  if (parts.length > 3) refuse(`"${text}" does not name an environment: write project/environment`)
  const name = parts.at(-1) ?? ''
  const project = parts.at(-2) ?? DEFAULT_PROJECT
  if (!NAME.test(project) || !NAME.test(name))
    refuse(`"${text}" does not name an environment: write project/environment`)
  return { organization, project, name, version }
}

/** `''` and `latest` are the newest, digits are a number, anything else is a tag. @throws Refusal invalid */
export function parseVersion(text: string): Version {
  if (text === '' || text === 'latest') return { kind: 'latest' }
  if (/^\d/.test(text)) {
    const number = Number(text)
    if (!/^\d+$/.test(text) || number > LARGEST_REVISION)
      refuse(`"${text}" is neither a revision number nor a tag`)
    return { kind: 'number', number }
  }
  if (!TAG.test(text)) refuse(`"${text}" is neither a revision number nor a tag`)
  return { kind: 'tag', tag: text }
}

/** `project/env`: how diagnostics and people name an environment inside its organization. */
export function formatEnvironmentName({ project, name }: { project: string; name: string }): string {
  return `${project}/${name}`
}

function refuse(message: string): never {
  throw new Refusal('invalid', message)
}
