/** What all actors of a fire share: the rig, who owns what, what was counted and seen. */
import type { Evidence, Sighting } from '../evidence.ts'
import type { Api } from '../api.ts'
import type { Counts } from '../counts.ts'
import type { Rig } from '../rig.ts'
import type { ChaosTarget } from '../targets/target.ts'

export interface Owned {
  /** `<project>/<name>`. */
  name: string
  id: string
  /** As it was saved first. */
  firstText: string
  paths: { key: string; target: ChaosTarget }[]
  scheduleId: string | undefined
}

export interface Scene {
  rig: Rig
  api: Api
  environments: Owned[]
  targets: ChaosTarget[]
  faults: Counts
  figures: Counts
  sightings: Sighting[]
  /** How often somebody began or ended to put a state of his own in, by environment and path: odd while he does. */
  typing: Map<string, number>
  /** What people had begun when the fire was over: brought to its end in the calm. */
  unfinished: Set<() => Promise<unknown>>
  asked: Map<string, Evidence['asked'][number]>
  /** Ends the fire: whatever was begun is brought to an end, nothing new is. */
  over: AbortSignal
}
