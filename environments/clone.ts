/**
 * Cloning an environment: same definition, own data key. It keeps the rotate calls and loses their state in every
 * revision it copies, since a credential belongs to one path of one environment.
 */
import { randomUUID } from 'node:crypto'
import { calls, load, removeValue, revealSecrets, sealSecrets } from '../language/index.ts'
import {
  checkEnvironmentName,
  formatEnvironmentName,
  parseVersion,
  type EnvironmentName,
} from '../model/environment-name.ts'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from '../store/database.ts'
import { createEnvironment, dataKeyOf, type Environment } from '../store/environments.ts'
import { giveGrant, listGrants } from '../store/grants.ts'
import { createRevisionTag, listRevisionTags } from '../store/revision-tags.ts'
import { appendRevision, getRevision, revisionAt, type Revision } from '../store/revisions.ts'
import { newDataKey, openDataKey, type DataKey } from '../store/seal.ts'
import { inTransaction } from '../store/transaction.ts'
import { demandLevel, demandLevelOnProject } from './access.ts'
import { welcome } from './create.ts'
import { noRevision } from './readings.ts'
import type { Services } from './services.ts'

export interface CloneRequest {
  source: Environment
  target: Omit<EnvironmentName, 'organization'>
  login: string
  /** The revision to copy, by number or tag; the newest when absent. With `preserveHistory`, the last one to copy. */
  version?: string
  /** All revisions, under their numbers; else the one alone. */
  preserveHistory?: boolean
  preserveRevisionTags?: boolean
  /** The grants on the source itself. */
  preserveAccess?: boolean
}

/** @throws Refusal invalid (the name), not-found, forbidden, conflict */
export async function cloneEnvironment(services: Services, request: CloneRequest): Promise<Environment> {
  const { db, keeper } = services
  const { source, login } = request
  const name = { organization: source.organization, ...request.target }
  checkEnvironmentName(name)
  await demandLevel(db, source, { login, level: 'open' })
  await demandLevelOnProject(db, name, { login, level: 'write' })
  const revisions = await revisionsToCopy(db, request)
  const id = randomUUID()
  const wrappedKey = await newDataKey(keeper)
  const from = await dataKeyOf(db, keeper, source.id)
  const to = await openDataKey(keeper, wrappedKey, id)
  const texts: string[] = []
  for (const { text } of revisions) texts.push(await copyText(formatEnvironmentName(source), text, from, to))

  return inTransaction(db, async (transaction) => {
    const made = await createEnvironment(transaction, keeper, {
      ...name,
      creator: revisions[0]!.creator,
      given: { id, wrappedKey, text: texts[0]! },
    })
    for (const [index, { creator }] of revisions.entries())
      if (index > 0) await appendRevision(transaction, { environmentId: id, text: texts[index]!, creator })
    await welcome(transaction, made, login, 'environment.clone')
    if (request.preserveRevisionTags) await copyTags(transaction, source, id, revisions)
    if (request.preserveAccess) await copyGrants(transaction, source, made)
    return made
  })
}

async function revisionsToCopy(
  db: Queryable,
  { source, version, preserveHistory }: CloneRequest,
): Promise<Revision[]> {
  const wanted = parseVersion(version ?? '')
  const last = await revisionAt(db, source.id, wanted)
  if (!last) throw new Refusal('not-found', noRevision(source, wanted))
  if (!preserveHistory) return [last]
  const revisions: Revision[] = []
  for (let number = 1; number < last.number; number += 1)
    revisions.push((await getRevision(db, source.id, number))!)
  return [...revisions, last]
}

/** Without state, and sealed with the other key. */
async function copyText(name: string, text: string, from: DataKey, to: DataKey): Promise<string> {
  if (text === '') return ''
  let copied = text
  for (const call of calls(load(name, text).document))
    if (call.hasState) copied = removeValue(copied, call.docPath)
  const revealed = await revealSecrets(copied, async (sealed) => from.open('definition', '', sealed))
  return sealSecrets(revealed, async (plaintext) => to.seal('definition', '', plaintext))
}

async function copyTags(
  db: Queryable,
  source: Environment,
  id: string,
  revisions: Revision[],
): Promise<void> {
  const numbers = new Map(revisions.map(({ number }, index) => [number, index + 1]))
  for (const { name, revision, editor } of await listRevisionTags(db, source.id, { count: 10_000 })) {
    const copied = numbers.get(revision)
    if (name !== 'latest' && copied !== undefined)
      await createRevisionTag(db, { environmentId: id, name, revision: copied, editor })
  }
}

async function copyGrants(db: Queryable, source: Environment, made: Environment): Promise<void> {
  const { organization, project, id } = made
  const grants = await listGrants(db, { organization, environmentId: source.id })
  for (const { login, level, grantedBy } of grants)
    await giveGrant(db, { scope: { organization, project, environmentId: id }, login, level, grantedBy })
}
