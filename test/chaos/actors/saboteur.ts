/** Sits on the wire in front of one target and has it fail in every way that networks and targets do. */
import type { Random } from '../random.ts'
import { LIMITS } from '../rig.ts'
import type { ChaosTarget } from '../targets/target.ts'
import type { WireFault } from '../wire.ts'
import { rest } from './reaper.ts'
import type { Scene } from './scene.ts'

const WEIGHTS: Record<WireFault['name'], number> = {
  'target outage': 2,
  'outage after a change': 1,
  'slow target': 2,
  'request lost': 3,
  'answer lost': 5,
  'late landing': 4,
  throttling: 2,
  'value refused': 1,
}

export async function sabotage({ over, faults }: Scene, target: ChaosTarget, random: Random): Promise<void> {
  while (!over.aborted) {
    await rest(random.whole(200, 2_000), over)
    if (over.aborted) break
    if (target.somebody && random.chance(0.15)) {
      const done = await target.somebody.act(random)
      if (done !== undefined) faults.add(done)
    }
    target.wire.arm(choose(target, random))
    // Long enough to meet a rotation, where there is one.
    for (let left = random.whole(3, 12); left > 0 && target.wire.armed(); left -= 1) await rest(500, over)
    target.wire.disarm()
  }
  target.wire.disarm()
}

function choose(target: ChaosTarget, random: Random): WireFault {
  const inOneStep = target.handedOver === null
  const on = random.pick(['change', 'commit'] as const)
  const name = random.weighted(WEIGHTS)
  switch (name) {
    case 'target outage':
      return { name, for: random.whole(200, 2_500) }
    case 'outage after a change':
      return { name, on: 'commit', away: random.whole(200, 2_500) }
    case 'slow target':
      return { name, for: random.whole(500, 3_000), delay: random.whole(20, 400) }
    case 'request lost':
    case 'answer lost':
      // Of a full house at AWS, the first change says only that there is no room.
      return { name, on, skip: inOneStep ? random.whole(0, 2) : 0 }
    case 'late landing':
      // AWS enforces no deadline: there, the network's is believed.
      return {
        name,
        on,
        hold: random.whole(300, inOneStep ? 1.5 * LIMITS.changeTimeout : 5 * LIMITS.changeTimeout),
      }
    case 'throttling':
    case 'value refused':
      return { name, times: random.whole(1, 3) }
  }
}
