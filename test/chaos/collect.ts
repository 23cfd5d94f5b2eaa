/** Gathers the evidence of a fire when all is quiet: reads store, Temporal, logs and targets from outside, changes none. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { dataKeyOf } from '../../store/environments.ts'
import type { DataKey } from '../../store/seal.ts'
import type { Evidence, Sighting } from './evidence.ts'
import type { Rig } from './rig.ts'
import { SecretSearch } from './secrets.ts'
import { digest, openRows, readRevisions, readVersions } from './store-evidence.ts'
import type { ChaosTarget } from './targets/target.ts'
import { readWorkflows } from './temporal-evidence.ts'

export interface Collected {
  rig: Rig
  targets: ChaosTarget[]
  bystanders: ReadonlyMap<string, string>
  sightings: Sighting[]
  asked: Evidence['asked']
}

export async function collectEvidence({ rig, targets, ...rest }: Collected): Promise<Evidence> {
  const { db, keeper } = rig
  const byClaim = new Map(targets.flatMap((target) => target.claims.map((claim) => [claim, target] as const)))
  const keys = new Map<string, DataKey>()
  const keyOf = async (id: string) => {
    const known = keys.get(id) ?? (await dataKeyOf(db, keeper, id))
    keys.set(id, known)
    return known
  }

  const environments = await db
    .selectFrom('environments')
    .select(['id', 'project', 'name', 'deleted_at as deletedAt'])
    .execute()
  const opened = await openRows(rig, byClaim, keyOf)
  const { revisions, states } = await readRevisions(rig, byClaim)
  const newest = new Map<string, number>()
  for (const { environmentId, number } of revisions)
    newest.set(environmentId, Math.max(number, newest.get(environmentId) ?? 0))

  const probes: Evidence['probes'] = []
  for (const state of states) {
    if (state.number !== newest.get(state.environmentId)) continue
    for (const slot of ['current', 'previous'] as const) {
      if (state[slot] === null) continue
      probes.push({
        environmentId: state.environmentId,
        path: state.path,
        target: state.target.name,
        revision: state.number,
        slot,
        identity: state.target.identity(state[slot]),
        works: await state.target.works(state[slot]),
      })
    }
  }

  const finals = [...new Map(opened.map((one) => [one.version.id, one])).values()]
  const holdings: Evidence['holdings'] = []
  for (const target of targets) {
    const published = states.filter((state) => state.target === target)
    const rows = finals.filter(({ version }) => version.target === target.name)
    for (const { identity, foreign, is } of await target.holdings()) {
      const revision = published.find(({ current, previous }) => is(current) || is(previous))
      const row = rows.find((one) => [one.prepared, one.credential, ...one.burnt].some(is))
      // What the target made up, and whose answer was lost: named in words until it is settled.
      const suspect = rows.find(
        ({ version }) =>
          target.handedOver === null &&
          version.sentUntil !== null &&
          version.settledAt === null &&
          version.message?.includes(identity) === true,
      )
      const known = revision
        ? `revision ${revision.number}`
        : row
          ? `row ${row.version.id}`
          : suspect
            ? `suspect of row ${suspect.version.id}`
            : null
      holdings.push({ target: target.name, identity, foreign, known })
    }
  }

  const seen = rig.seen
    .map((one) => {
      const target = targets.find(({ name }) => name === one.target)!
      const saidBy =
        one.what === 'login'
          ? []
          : opened
              .filter(
                (row) =>
                  row.version.target === one.target &&
                  row.version.sentUntil !== null &&
                  target.says(one, row),
              )
              .map(({ version: { id, seq, committedAt, sentUntil }, prepared }) => ({
                rotationId: id,
                seq,
                committedAt,
                sentUntil,
                removes: (prepared as { remove?: unknown } | null)?.remove === one.identity,
              }))
      return { ...one, value: one.value === null ? null : digest(one.value), saidBy }
    })
    .toSorted((a, b) => a.at - b.at)

  const workflows = await readWorkflows(rig.client, rig.taskQueue)
  const secrets = new Set(targets.flatMap((target) => target.secrets))
  for (const { target, current, previous } of states)
    for (const slot of [current, previous])
      if (slot !== null) for (const secret of target.secretsOf(slot)) secrets.add(secret)
  for (const { version, credential } of opened) {
    const target = targets.find(({ name }) => name === version.target)
    if (target && credential !== null) for (const secret of target.secretsOf(credential)) secrets.add(secret)
  }
  const { leaks, searched } = await searchAll(rig, new SecretSearch(secrets), workflows.texts)

  return {
    environments: environments.map(({ id, project, name, deletedAt }) => ({
      id,
      name: `${project}/${name}`,
      deleted: deletedAt !== null,
    })),
    rows: opened.map(({ version }) => version),
    ...(await readVersions(rig)),
    revisions,
    seen,
    handedOver: Object.fromEntries(targets.map(({ name, handedOver }) => [name, handedOver])),
    probes,
    sightings: rest.sightings,
    holdings,
    bystanders: await Promise.all(
      targets.map(async (target) => ({
        target: target.name,
        before: rest.bystanders.get(target.name) ?? '',
        after: await target.bystanders(),
      })),
    ),
    asked: rest.asked,
    workflows: workflows.seen,
    leaks,
    searched,
  }
}

async function searchAll(
  { db, logs }: Rig,
  search: SecretSearch,
  histories: string[],
): Promise<Pick<Evidence, 'leaks' | 'searched'>> {
  const leaks: Evidence['leaks'] = []
  const searched: Record<string, number> = {}
  const look = (place: string, text: string) => {
    searched[place] = (searched[place] ?? 0) + text.length
    const found = search.find(text)
    if (found !== undefined) leaks.push({ place, what: found })
  }
  for (const text of histories) look('Temporal', text)
  for (const name of await readdir(logs)) look('logs', await readFile(join(logs, name), 'utf8'))
  const { rows: tables } = await sql<{ schema: string; name: string }>`
    select table_schema as schema, table_name as name from information_schema.tables
    where table_schema in ('public', 'chaos')`.execute(db)
  for (const { schema, name } of tables) {
    const { rows } = await sql<{
      text: string
    }>`select t::text as text from ${sql.table(`${schema}.${name}`)} t`.execute(db)
    for (const { text } of rows) look('store', text)
  }
  return { leaks, searched }
}
