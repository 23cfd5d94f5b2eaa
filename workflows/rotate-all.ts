/** Runs the rotations of an event side by side: bounded, each after those whose credential its inputs use. */
import { condition, log } from '@temporalio/workflow'
import type { PlannedRotation } from '../activities/index.ts'

/**
 * Resolves when every rotation has ended, however. `rotations` come in an order in which a rotation stands behind
 * those it depends on. A rejection (a defect, or a cancelled attempt) is left to the commit, which reads the journal.
 */
export async function rotateAll(
  rotations: PlannedRotation[],
  width: number,
  rotate: (rotation: PlannedRotation) => Promise<void>,
): Promise<void> {
  const ended = new Map<string, Promise<void>>()
  let running = 0
  for (const rotation of rotations) {
    ended.set(rotation.id, run(rotation))
  }
  await Promise.all(ended.values())

  async function run(rotation: PlannedRotation): Promise<void> {
    await Promise.all(rotation.dependsOn.flatMap((id) => ended.get(id) ?? []))
    // Several may wake at once: each looks again before it takes the place.
    while (running >= width) await condition(() => running < width)
    running += 1
    try {
      await rotate(rotation)
    } catch {
      log.warn('a rotation ended without an outcome; the commit decides by the journal', {
        rotationId: rotation.id,
      })
    } finally {
      running -= 1
    }
  }
}
