/**
 * What an application would notice when it logs in as the other user of the two: roles, privileges, limits. Puts into words
 * what was read, and asks for nothing itself.
 */
import { grantsOf } from './grants.ts'
import type { Grants, Privilege } from './grants.ts'
import { accountText } from './route.ts'
import type { Account } from './route.ts'
import type { Session } from './session.ts'

/** More would be read by nobody; that there are more is said. */
const NAMED = 5

/** Warnings; `next` is the user that would be written, `other` the one that applications use now. @throws RotationFailure */
export async function compareUsers(session: Session, next: Account, other: Account): Promise<string[]> {
  const one = await grantsOf(session, next)
  const two = await grantsOf(session, other)
  if (one === undefined || two === undefined) {
    return [
      'the privileges of the two users could not be compared: the managing user may not see them; allow it: GRANT SELECT ON mysql.* TO the managing user',
    ]
  }
  const warnings: string[] = []
  if (next.host !== other.host) {
    warnings.push(
      `user ${quoted(next)} and user ${quoted(other)} are let in from different hosts; applications may be let in as one and not as the other`,
    )
  }
  const limits = [...difference(one.limits, two.limits), ...difference(two.limits, one.limits)]
  if (limits.length > 0)
    warnings.push(
      `limits or TLS demands of user ${quoted(next)} and user ${quoted(other)} differ: ${named(limits)}`,
    )
  for (const lacks of [true, false]) {
    const [poor, rich] = lacks ? [next, other] : [other, next]
    const [less, more] = lacks ? [one, two] : [two, one]
    const when = lacks ? 'after this rotation' : 'after the one that follows'
    const add = (words: string, list: string[]) => {
      if (list.length > 0) warnings.push(`${words}, which applications would miss ${when}: ${named(list)}`)
    }
    add(
      `user ${quoted(rich)} has roles that user ${quoted(poor)} has not, or has them by default`,
      difference(rolesOf(more), rolesOf(less)),
    )
    add(`user ${quoted(rich)} has privileges that user ${quoted(poor)} lacks`, lacking(less, more))
  }
  return warnings
}

function rolesOf({ roles, defaults }: Grants): Set<string> {
  return new Set([...roles, ...[...defaults].map((role) => `by default ${role}`)])
}

/** What `more` may do and `less` may not, however each of them came by it. */
function lacking(less: Grants, more: Grants): string[] {
  const has = new Set(less.privileges.map(textOf))
  const restricted = new Set(more.restrictions.map(textOf))
  const missing = more.privileges.filter((each) => !isCovered(each, has)).map(textOf)
  const taken = less.restrictions.map(textOf).filter((text) => !restricted.has(text))
  return [...new Set([...missing, ...taken])].sort()
}

/** A privilege in a database is one in each of its tables, and in a table one in each of its columns. */
function isCovered({ privilege, object }: Privilege, has: Set<string>): boolean {
  const names = [privilege, privilege.replace(/ \(.*$/, '')]
  // Those that are not part of all.
  if (privilege !== 'GRANT OPTION' && privilege !== 'PROXY' && !privilege.includes('_'))
    names.push('ALL PRIVILEGES')
  const database = /^(?:[A-Z]+(?: BODY)? )?(`(?:[^`]|``)*`)\./.exec(object)?.[1]
  const places = [object, ...(database === undefined ? [] : [`${database}.*`]), '*.*']
  return places.some((place) => names.some((name) => has.has(textOf({ privilege: name, object: place }))))
}

function textOf({ privilege, object }: Privilege): string {
  return `${privilege} on ${object}`
}

function difference(one: Set<string>, two: Set<string>): string[] {
  return [...one].filter((entry) => !two.has(entry)).sort()
}

function named(list: string[]): string {
  const more = list.length - NAMED
  return list.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function quoted(account: Account): string {
  return JSON.stringify(accountText(account))
}
