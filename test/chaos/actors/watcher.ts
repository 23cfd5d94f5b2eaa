/** Logs in with what is published while everything burns: a credential that is refused without a reason is a sighting. */
import { sql } from 'kysely'
import { createHost } from '../../../environments/host.ts'
import { DEFAULT_SETTINGS } from '../../../environments/services.ts'
import { readState, slotsOf } from '../../../environments/state.ts'
import { load } from '../../../language/index.ts'
import { findLogin } from '../../../rotators/logins/index.ts'
import { findRotator } from '../../../rotators/index.ts'
import { latestRevision } from '../../../store/revisions.ts'
import type { Random } from '../random.ts'
import { LOGIN, ORGANIZATION, type Rig } from '../rig.ts'
import { now } from '../targets/target.ts'
import { rest } from './reaper.ts'
import type { Owned, Scene } from './scene.ts'

export async function watch(scene: Scene, random: Random): Promise<void> {
  const { environments, over, figures } = scene
  while (!over.aborted) {
    await rest(100, over)
    try {
      await look(scene, random.pick(environments))
    } catch {
      // The store or the target's own server is away; the next look tells.
      figures.add('a look while the store was away')
    }
  }
}

async function look({ rig, sightings, figures, typing }: Scene, { id, paths }: Owned): Promise<void> {
  for (const { key, target } of paths) {
    const typed = typing.get(`${id} ${key}`) ?? 0
    if (typed % 2 === 1) continue
    const { revision, current, previous } = await published(rig, id, key)
    for (const [slot, credential] of [
      ['current', current],
      ['previous', previous],
    ] as const) {
      if (credential === null) continue
      figures.add('log-ins watched')
      if (await target.works(credential)) continue
      const after = await published(rig, id, key)
      if (JSON.stringify(after[slot]) !== JSON.stringify(credential)) continue
      if (slot === 'previous' && (await hasBegun(rig, id, key))) continue
      // What people put in is true a moment later.
      if ((typing.get(`${id} ${key}`) ?? 0) !== typed) continue
      sightings.push({
        at: now(),
        environmentId: id,
        path: key,
        slot,
        identity: target.identity(credential),
        what: `the ${slot} credential of revision ${revision} was refused while it was published`,
      })
    }
  }
}

/** What the newest revision holds at a path. */
export async function published({ db, keeper }: Rig, id: string, path: string) {
  const { text, number } = (await latestRevision(db, id))!
  const services = { db, keeper, findRotator, findLogin, settings: DEFAULT_SETTINGS }
  const host = createHost(services, {
    environment: { organization: ORGANIZATION, id },
    login: LOGIN,
    logins: 'unknown',
  })
  return { revision: number, ...slotsOf(await readState(load('fire', text).document, path, host)) }
}

/** A rotation has begun its change since the newest publication. */
async function hasBegun({ db }: Rig, environmentId: string, path: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from rotations where environment_id = ${environmentId} and path = ${path} and sent_until is not null
      and step != 'published' and created_at > (
        select max(created_at) from rotations
        where environment_id = ${environmentId} and path = ${path} and step = 'published')
    limit 1`.execute(db)
  return rows.length > 0
}
