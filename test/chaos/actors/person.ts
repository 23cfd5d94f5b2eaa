/**
 * Decides by hand while everything burns: adopts, discards and gives up what rotations left, undoes, forgets, releases,
 * puts in states of one's own, takes calls out and puts them back. Reads what Rekey says, as people do.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { etag, latestRevision } from '../../../store/revisions.ts'
import { publishedIdentities } from '../idle.ts'
import type { Random } from '../random.ts'
import { ORGANIZATION } from '../rig.ts'
import { rest } from './reaper.ts'
import type { Owned, Scene } from './scene.ts'
import { published } from './watcher.ts'

const DEEDS = {
  'left rotation adopted': 5,
  'left rotation discarded': 5,
  'rotation undone': 4,
  'state forgotten': 1,
  'state of one’s own': 3,
  'secrets shown, saved later': 2,
  'call removed and put back': 3,
}

type Place = Owned['paths'][number]

export async function decide(scene: Scene, random: Random): Promise<void> {
  const { over, figures } = scene
  while (!over.aborted) {
    await rest(random.whole(200, 1_500), over)
    if (over.aborted) break
    const owned = random.pick(scene.environments)
    const place = random.pick(owned.paths)
    const deed = random.weighted(DEEDS)
    try {
      if (await act(scene, owned, place, deed, random)) scene.faults.add(deed)
    } catch {
      // The store or the target's own server is away: people come back to it.
      figures.add('a decision given up while the store was away')
    }
  }
}

/** True when it was done, or Rekey has taken it up. */
async function act(
  scene: Scene,
  owned: Owned,
  place: Place,
  deed: keyof typeof DEEDS,
  random: Random,
): Promise<boolean> {
  const { name } = owned
  switch (deed) {
    case 'left rotation adopted':
    case 'left rotation discarded':
      return await settle(scene, deed, random)
    case 'rotation undone': {
      const json = random.chance(0.5) ? {} : { paths: [place.key] }
      return await ask(scene, owned, `environments/${ORGANIZATION}/${name}/undo`, json, random)
    }
    case 'state forgotten':
      // Keys that nobody has handed over any more would be in the way for ever.
      if (place.target.handedOver === null) return false
      return await ask(
        scene,
        owned,
        `environments/${ORGANIZATION}/${name}/forget`,
        { paths: [place.key] },
        random,
      )
    case 'state of one’s own':
      return await typeState(scene, owned, place)
    case 'secrets shown, saved later': {
      const { status, text } = await scene.api.call('GET', `${name}/decrypt`)
      if (status !== 200) return false
      await rest(random.whole(500, 6_000), scene.over)
      return (await scene.api.call('PATCH', name, { text })).status === 200
    }
    case 'call removed and put back':
      return await removeAndPutBack(scene, owned, place, random)
  }
}

interface Left {
  id: string
  /** `<project>/<name>` */
  environment: string
  environmentPath: string
  errorMessage?: string
}

/** What rotations have left to be decided, wherever. */
async function allLeft({ api }: Scene): Promise<Left[]> {
  const { status, text } = await api.call('GET', `rotations/${ORGANIZATION}`, { root: true })
  return status === 200 ? (JSON.parse(text) as { rotations: Left[] }).rotations : []
}

async function settle(scene: Scene, deed: string, random: Random): Promise<boolean> {
  const left = await allLeft(scene)
  if (left.length === 0) return false
  const { id, environment, environmentPath, errorMessage = '' } = random.pick(left)
  const owned = scene.environments.find(({ name }) => name === environment)
  if (!owned) return false
  const at = `rotations/${ORGANIZATION}/${id}`
  if (deed === 'left rotation adopted') return await ask(scene, owned, `${at}/adopt`, {}, random)
  const target = owned.paths.find(({ key }) => key === environmentPath)?.target
  const ids = await publishedIdentities(scene.rig, owned.id)
  const [key] = (await target?.somebody?.leftBehind(errorMessage, ids)) ?? []
  // A key that was given up would be in the way for ever.
  const giveUp = target?.handedOver !== null && random.chance(0.3)
  return await ask(
    scene,
    owned,
    `${at}/discard`,
    { ...(key !== undefined && { key }), ...(giveUp && { giveUp }) },
    random,
  )
}

/** Now and then twice at once, under one request id; which event that began is noted. */
async function ask(scene: Scene, owned: Owned, path: string, json: object, random: Random): Promise<boolean> {
  const key = randomUUID()
  const note = { environmentId: owned.id, key, eventIds: [] as string[] }
  const times = random.chance(0.3) ? 2 : 1
  const answers = await Promise.all(
    Array.from({ length: times }, () =>
      scene.api.call('POST', `${path}?wait=false`, {
        root: true,
        json,
        headers: { 'idempotency-key': key },
      }),
    ),
  )
  for (const { status, text } of answers)
    if (status === 202) note.eventIds.push((JSON.parse(text) as { id: string }).id)
  if (note.eventIds.length === 0) return false
  scene.asked.set(`${owned.name} ${key}`, note)
  return true
}

/** First the state, while nothing of Rekey's is on its way there, then the password: what is refused meanwhile is noticed. */
async function typeState(scene: Scene, owned: Owned, { key, target }: Place): Promise<boolean> {
  const { rig, api, typing, unfinished, over } = scene
  const { current } = await published(rig, owned.id, key)
  const mine = target.handedOver?.find((user) => current === null || user !== target.identity(current))
  if (!target.ofOnesOwn || !target.setByHand || mine === undefined || current === null) return false
  const { number, text } = (await latestRevision(rig.db, owned.id))!
  if (!text.includes(`  ${key}:`)) return false
  const left = await allLeft(scene)
  if (left.some((one) => one.environment === owned.name && one.environmentPath === key)) return false
  const own = target.ofOnesOwn(mine)
  const state = JSON.stringify({ current: own, previous: current })
  const typed = owned.firstText.replace(target.yaml(key), `${target.yaml(key)}      state: ${state}\n`)
  const place = `${owned.id} ${key}`
  const turn = () => typing.set(place, (typing.get(place) ?? 0) + 1)
  const finish = async () => {
    const newest = await whenever(() => published(rig, owned.id, key))
    if (JSON.stringify(newest.current) !== JSON.stringify(own)) return false
    while ((await whenever(() => landing(scene, owned, key))) > 0) await sleep(500)
    await target.setByHand!(own)
    return true
  }
  turn()
  unfinished.add(finish)
  try {
    const headers = { 'if-match': etag(owned.id, number) }
    let answer = 0
    for (let tries = 10; !over.aborted && tries > 0 && (answer === 0 || answer >= 500); tries -= 1)
      answer = (await api.call('PATCH', owned.name, { text: typed, headers })).status
    // It may have been saved, or be about to be: the calm tells.
    if (over.aborted) return true
    // An answer may have been lost: what is published tells.
    const done = await finish()
    unfinished.delete(finish)
    return done
  } finally {
    turn()
  }
}

/** Rotations whose change may still arrive there. */
async function landing({ rig }: Scene, { id }: Owned, path: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer from rotations
    where environment_id = ${id} and path = ${path} and sent_until > now()`.execute(rig.db)
  return rows[0]!.count
}

async function removeAndPutBack(
  scene: Scene,
  owned: Owned,
  { key, target }: Place,
  random: Random,
): Promise<boolean> {
  const { api, over } = scene
  const without = owned.firstText.replace(target.yaml(key), '')
  const save = async (text: string) => (await api.call('PATCH', owned.name, { text })).status === 200
  const putBack = () => api.insist('PATCH', owned.name, { text: owned.firstText })
  scene.unfinished.add(putBack)
  // Refused as long as it is being rotated.
  let gone = false
  for (let tries = 20; tries > 0 && !gone && !over.aborted; tries -= 1) {
    gone = await save(without)
    await rest(random.whole(50, 400), over)
  }
  if (gone && target.handedOver !== null && random.chance(0.3))
    await release(scene, owned, target.claims, random)
  await rest(random.whole(0, 2_000), over)
  // Also where the answer to the removal was lost. What is not done when the fire ends is done in the calm.
  while (!over.aborted && scene.unfinished.has(putBack))
    if (await save(owned.firstText)) scene.unfinished.delete(putBack)
    else await rest(300, over)
  return gone
}

async function release(scene: Scene, owned: Owned, claims: string[], random: Random): Promise<void> {
  for (const target of claims)
    if (await ask(scene, owned, `targets/${ORGANIZATION}/release`, { target, giveUp: true }, random))
      scene.faults.add('target released')
}

/** As soon as the store is there. */
async function whenever<T>(question: () => Promise<T>): Promise<T> {
  for (let tries = 100; ; tries -= 1) {
    try {
      return await question()
    } catch (error) {
      if (tries === 0) throw error
      await sleep(300)
    }
  }
}
