/**
 * What an application would notice when it logs in as the other user of the two: roles, privileges, limits. Of grants it
 * shows what is granted on what; never the hashes that servers show with them.
 */
import type { Account } from './route.ts'
import { accountText } from './route.ts'
import type { Session } from './session.ts'
import { quoteAccount } from './sql.ts'

/** More would be read by nobody; that there are more is said. */
const NAMED = 5

interface Grants {
  roles: Set<string>
  privileges: Set<string>
  limits: Set<string>
}

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
      difference(more.roles, less.roles),
    )
    add(
      `user ${quoted(rich)} has privileges that user ${quoted(poor)} lacks`,
      difference(more.privileges, less.privileges),
    )
  }
  return warnings
}

async function grantsOf(session: Session, account: Account): Promise<Grants | undefined> {
  const rows = await session.see(`SHOW GRANTS FOR ${quoteAccount(account)}`)
  if (rows === undefined) return undefined
  const grants: Grants = { roles: new Set(), privileges: new Set(), limits: new Set() }
  for (const row of rows) readGrant(String(Object.values(row)[0]), grants)
  return grants
}

const NAME = '(?:`(?:[^`]|``)*`|\'(?:[^\']|\'\')*\'|"(?:[^"]|"")*")'
const WHO = `${NAME}(?:@${NAME})?`

/** One line of SHOW GRANTS: of either product, without what it says about passwords. */
export function readGrant(line: string, grants: Grants): void {
  const role = new RegExp(
    `^(GRANT (?!.* ON ).+? TO|SET DEFAULT ROLE .+? FOR) ${WHO}(?: WITH ADMIN OPTION)?$`,
  ).exec(line)
  if (role) {
    const granted = role[1]!.replace(/^GRANT | TO$| FOR$/g, '').replace(/^SET DEFAULT ROLE /, 'by default ')
    for (const name of granted.split(/,(?![^`]*`(?:[^`]*`[^`]*`)*[^`]*$)/)) grants.roles.add(name.trim())
    return
  }
  const [, kind, privileges, object, rest] =
    new RegExp(`^(GRANT|REVOKE) (.+?) ON (.+?) (?:TO|FROM) ${WHO}(.*)$`).exec(line) ?? []
  if (privileges === undefined || object === undefined) return
  const after = (rest ?? '').replace(/ IDENTIFIED (BY PASSWORD|VIA|WITH) .*?(?= REQUIRE | WITH |$)/, '')
  for (const privilege of privileges.split(/, (?![^(]*\))/)) {
    if (privilege === 'USAGE') continue
    const prefix = kind === 'REVOKE' ? 'not ' : ''
    grants.privileges.add(`${prefix}${privilege} on ${object}`)
  }
  if (/ WITH .*GRANT OPTION/.test(after)) grants.privileges.add(`GRANT OPTION on ${object}`)
  for (const limit of after.match(/(MAX_\w+ [\d.]+|REQUIRE \w+)/g) ?? []) grants.limits.add(limit)
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
