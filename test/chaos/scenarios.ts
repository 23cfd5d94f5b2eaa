/** Ways in which a rotation comes to all of its kill points: what was before it, and what befalls it on the wire. */
import type { ChaosTarget } from './targets/target.ts'

export interface Scenario {
  name: string
  /** Absent: for every kind of target. */
  kinds?: string[]
  /** Leaves something in doubt before; `rotate` rotates and waits, whatever comes of it. */
  before?(
    target: ChaosTarget,
    rotate: () => Promise<unknown>,
    published: () => Promise<string[]>,
  ): Promise<void>
  /** Arms the wire for the rotation that is to be killed. */
  during?(target: ChaosTarget): void
}

/** Milliseconds: longer than a target has within one rotation, shorter than anybody would wait. */
const AWAY = 22_000

/** In a full house at AWS a first attempt finds no room, and then a key is deleted, before one is made. */
const changesBefore = (target: ChaosTarget): number => (target.handedOver === null ? 2 : 0)

async function inDoubt(
  target: ChaosTarget,
  rotate: () => Promise<unknown>,
  name: 'answer lost' | 'request lost' | 'outage after a change',
): Promise<void> {
  target.wire.arm({ name, on: 'commit', skip: changesBefore(target), away: AWAY })
  await rotate()
  target.wire.disarm()
}

export const SCENARIOS: Scenario[] = [
  { name: 'a rotation as usual' },
  {
    name: 'the answer is lost',
    during: (target) => target.wire.arm({ name: 'answer lost', on: 'commit', skip: changesBefore(target) }),
  },
  {
    name: 'every answer is lost',
    kinds: ['postgres', 'mysql'],
    during: (target) => target.wire.arm({ name: 'answer lost', on: 'commit', times: 1000 }),
  },
  {
    name: 'the change is throttled',
    kinds: ['aws-iam'],
    during: (target) => target.wire.arm({ name: 'throttling', changes: true, times: 1 }),
  },
  {
    name: 'the value is refused once',
    kinds: ['postgres', 'mysql'],
    during: (target) => target.wire.arm({ name: 'value refused', times: 1 }),
  },
  {
    name: 'the target goes away for good',
    during: (target) => target.wire.arm({ name: 'answer lost', on: 'commit', away: AWAY }),
  },
  {
    name: 'one before is in doubt and has arrived',
    before: (target, rotate) => inDoubt(target, rotate, 'answer lost'),
  },
  {
    name: 'one before is in doubt and never arrived',
    before: (target, rotate) => inDoubt(target, rotate, 'request lost'),
  },
  {
    name: 'what one before made is gone',
    kinds: ['aws-iam'],
    before: async (target, rotate, published) => {
      await inDoubt(target, rotate, 'outage after a change')
      await target.revokeOthers?.(await published())
    },
  },
]
