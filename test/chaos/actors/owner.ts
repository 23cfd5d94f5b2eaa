/**
 * Owns one environment: has it rotated all the time, and edits, rolls back, re-applies and clones it meanwhile. Reads
 * the API's answers as a client does, and notes which event each request id was answered with.
 */
import { randomUUID } from 'node:crypto'
import type { Random } from '../random.ts'
import { rest } from './reaper.ts'
import type { Owned, Scene } from './scene.ts'

const DEEDS = {
  nothing: 4,
  'asked twice at once': 3,
  edit: 4,
  rollback: 3,
  'first version again': 3,
  clone: 1,
  'double-named user': 1,
  'tick again': 2,
  'tick twice at once': 1,
  'older tick again': 1,
  'workflow terminated': 1,
}

/** Copies that name the same users; more would only be more of the same. */
const COPIES = 2

export async function own(scene: Scene, environment: Owned, random: Random): Promise<void> {
  const { over, faults, figures } = scene
  const rotating = new Set<Promise<void>>()
  const state = { copies: 0, edits: 0 }
  while (!over.aborted) {
    // Later tries of a scheduled run end as soon as somebody asks or edits.
    if (environment.scheduleId !== undefined && random.chance(0.1)) {
      figures.add('environments left to their schedule for a while')
      await rest(random.whole(10_000, 40_000), over)
    }
    if (rotating.size < 2) {
      const asked = rotate(scene, environment.name, random.chance(0.3) ? 2 : 1)
      rotating.add(asked)
      void asked.finally(() => rotating.delete(asked))
    }
    await rest(random.whole(200, 1_500), over)
    if (over.aborted) break
    const deed = random.weighted(DEEDS)
    if (await act(scene, environment, deed, state, random)) faults.add(deed)
  }
  await Promise.all(rotating)
}

async function rotate(scene: Scene, name: string, times: number): Promise<void> {
  const { api, asked, faults, figures, over } = scene
  const key = randomUUID()
  const id = scene.environments.find((one) => one.name === name)?.id ?? name
  const note = { environmentId: id, key, eventIds: [] as string[] }
  asked.set(`${name} ${key}`, note)
  if (times > 1) faults.add('asked twice at once')
  const answers = await Promise.all(
    Array.from({ length: times }, () =>
      api.rotate(name, key, (eventId) => note.eventIds.push(eventId), over),
    ),
  )
  for (const { errorCode, outcome, status } of answers[0]?.rotations ?? [])
    figures.add(`rotation ${outcome ?? status}${errorCode === undefined ? '' : ` ${errorCode}`}`)
}

/** True when it was done, whatever came of it. */
async function act(
  scene: Scene,
  environment: Owned,
  deed: keyof typeof DEEDS,
  state: { copies: number; edits: number },
  random: Random,
): Promise<boolean> {
  const { api, rig } = scene
  const { name } = environment
  switch (deed) {
    case 'nothing':
    case 'asked twice at once':
      return false
    case 'edit': {
      const { status, text } = await api.call('GET', name)
      if (status !== 200) return false
      state.edits += 1
      return await save(scene, name, text.replace(/note: \w+/, `note: edit${state.edits}`))
    }
    case 'rollback': {
      const versions = await api.call('GET', `${name}/versions`)
      if (versions.status !== 200) return false
      const revisions = JSON.parse(versions.text) as { number: number }[]
      const { status, text } = await api.call('GET', `${name}/versions/${random.pick(revisions).number}`)
      // Of the very first one nothing is left: it would drop the calls.
      return status === 200 && text.includes('fn::rotate') && (await save(scene, name, text))
    }
    case 'first version again':
      return await save(scene, name, environment.firstText)
    case 'clone':
    case 'double-named user': {
      if (state.copies >= COPIES) return false
      state.copies += 1
      const copy = `copy-${randomUUID().slice(0, 8)}`
      if (deed === 'clone') {
        const made = await api.call('POST', `${name}/clone`, { json: { project: 'fire', name: copy } })
        if (made.status >= 300 || made.status === 0) return false
      } else {
        const made = await rig.makeEnvironment(`fire/${copy}`).catch(() => undefined)
        if (made === undefined || !(await save(scene, `fire/${copy}`, environment.firstText))) return false
      }
      void rotate(scene, `fire/${copy}`, 1).catch(() => scene.figures.add('rotating a copy refused'))
      return true
    }
    case 'tick again':
      return environment.scheduleId !== undefined && (await tick(scene, environment))
    case 'tick twice at once':
      if (environment.scheduleId === undefined) return false
      return (await Promise.all([1, 2].map(() => tick(scene, environment)))).every(Boolean)
    case 'older tick again':
      return environment.scheduleId !== undefined && (await tick(scene, environment, random.whole(1, 3)))
    case 'workflow terminated': {
      const handle = rig.client.workflow.getHandle(`rotate/${environment.id}`)
      return await handle.terminate('fire').then(
        () => true,
        () => false,
      )
    }
  }
}

async function save({ api, figures }: Scene, name: string, text: string): Promise<boolean> {
  const { status, text: words } = await api.call('PATCH', name, { text })
  figures.add(`save answered ${status}`)
  if (status >= 400 && status < 500 && status !== 409) figures.add(`save refused: ${words.slice(0, 120)}`)
  return status !== 0 && status < 500
}

/** The newest tick once more, or one so many minutes before, as a Temporal that was restored from a backup would fire it. */
async function tick({ rig }: Scene, { id, scheduleId }: Owned, before = 0): Promise<boolean> {
  const dueAt = new Date((Math.floor(Date.now() / 60_000) - before) * 60_000).toISOString()
  return await rig.client.connection
    .withDeadline(Date.now() + 3_000, () =>
      rig.client.workflow.start('rotateEnvironment', {
        workflowId: `rotate/${id}-again-${randomUUID().slice(0, 8)}`,
        taskQueue: rig.taskQueue,
        args: [{ environmentId: id, scheduleId, dueAt }],
      }),
    )
    .then(
      () => true,
      () => false,
    )
}
