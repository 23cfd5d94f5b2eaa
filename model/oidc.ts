/** What an identity token says: who asks, in the words that other systems are told to trust. Pure. */

/** What may stand in a subject; nothing else, for whoever asks must not be able to choose what it says. */
export const SUBJECT_ATTRIBUTES = [
  'currentEnvironment.name',
  'rootEnvironment.name',
  'pulumi.user.login',
  'pulumi.organization.login',
] as const
export type SubjectAttribute = (typeof SUBJECT_ATTRIBUTES)[number]

/** Environments are `project/name`. */
export interface Asker {
  organization: string
  /** The environment that was opened or rotated. */
  rootEnvironment: string
  /** The environment whose definition holds the login: the root, or what it imports. */
  currentEnvironment: string
  /** Whose rights count. */
  login: string
}

/**
 * Without attributes `pulumi:environments:org:<organization>:env:<root environment>`; with them
 * `pulumi:environments:pulumi.organization.login:<organization>` and `:<attribute>:<value>` for each, in their order.
 */
export function subjectOf(asker: Asker, attributes?: readonly SubjectAttribute[]): string {
  const { organization, rootEnvironment, currentEnvironment, login } = asker
  if (!attributes) return `pulumi:environments:org:${organization}:env:${rootEnvironment}`
  const values: Record<SubjectAttribute, string> = {
    'currentEnvironment.name': currentEnvironment,
    'rootEnvironment.name': rootEnvironment,
    'pulumi.user.login': login,
    'pulumi.organization.login': organization,
  }
  const parts = attributes.map((attribute) => `:${attribute}:${values[attribute]}`)
  return `pulumi:environments:pulumi.organization.login:${organization}${parts.join('')}`
}

/** `{org}` in the setting stands for the organization. */
export function audienceOf(setting: string, { organization }: Pick<Asker, 'organization'>): string {
  return setting.replaceAll('{org}', organization)
}

/** Where a key set is found below an issuer; the specification fixes the place of the document that says so. */
export const DISCOVERY_PATH = '/.well-known/openid-configuration'
export const KEY_SET_PATH = '/.well-known/jwks'
