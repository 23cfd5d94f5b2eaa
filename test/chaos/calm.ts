/** After a fire: everything is up and left in peace until nothing is open, then every environment must rotate once more. */
import { randomUUID } from 'node:crypto'
import { FAILURES, isFailureCode } from '../../model/failures.ts'
import type { Scene } from './actors/scene.ts'
import type { Violation } from './evidence.ts'
import { publishedIdentities, untilIdle } from './idle.ts'

/** Everybody is up, nothing is on its way, and what was asked for has ended. */
export async function comeToRest(
  { rig, targets, environments, api, unfinished }: Scene,
  signal: AbortSignal,
  tell: (line: string) => void,
): Promise<number> {
  // Nobody starts again what was killed last.
  for (const server of rig.servers) if (!server.running) server.start()
  await Promise.all(rig.servers.map((server) => server.ready(signal)))
  for (const one of environments)
    if (one.scheduleId !== undefined)
      await api.insist('POST', `${one.name}/schedules/${one.scheduleId}/pause`)
  for (const worker of rig.workers) {
    worker.signal('SIGCONT')
    await worker.kill()
    worker.start()
  }
  await Promise.all(rig.workers.map((worker) => worker.ready(signal)))
  for (const finish of unfinished) await finish()
  for (const target of targets) {
    target.wire.disarm()
    await target.wire.quiet()
    await target.somebody?.leave()
  }
  return await untilIdle(rig, signal, { tell })
}

/** A person settles what was named; then every environment must be able to rotate again. */
export async function rotateInCalm(
  scene: Scene,
  signal: AbortSignal,
  tell: (line: string) => void,
): Promise<Violation[]> {
  const { environments, rig, api } = scene
  const stuck: Violation[] = []
  await Promise.all(
    environments.map(async ({ name, id, paths }) => {
      for (let round = 1; ; round += 1) {
        const answer = await api.rotate(name, randomUUID(), () => {}, signal)
        const failed = answer?.rotations.filter(({ status }) => status !== 'succeeded') ?? []
        // A copy may have been the first to name the users: then it rotates them.
        const own = failed.filter(({ errorCode }) => errorCode !== 'TARGET_TAKEN')
        if (own.length === 0) return
        const settled = await Promise.all(
          own.map(async ({ environmentPath, errorMessage = '' }) => {
            const target = paths.find(({ key }) => key === environmentPath)?.target
            const published = await publishedIdentities(rig, id)
            return (await target?.somebody?.settle(errorMessage, published)) ?? false
          }),
        )
        // A machine that is busy otherwise lets deadlines pass.
        const passing = own.some(({ errorCode }) => isFailureCode(errorCode) && FAILURES[errorCode].retry)
        if ((passing || settled.some(Boolean)) && round < 6) continue
        stuck.push({
          invariant: 0,
          what: 'an environment cannot be rotated in the calm after the fire',
          environmentId: id,
          evidence: own,
        })
        return
      }
    }),
  )
  await untilIdle(rig, signal, { tell })
  return stuck
}
