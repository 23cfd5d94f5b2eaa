/** Kills and stops programs, and ends and starts again the store and Temporal. Leaves everything up. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../random.ts'
import type { Program } from '../programs.ts'
import type { Scene } from './scene.ts'

/** By how often; the store and Temporal take everybody with them. */
const DEEDS = {
  'worker killed': 5,
  'worker stopped and woken': 3,
  'server killed': 3,
  'PostgreSQL stopped': 1,
  'PostgreSQL crashed': 1,
  'Temporal stopped': 1,
  'Temporal crashed': 1,
}

/** A stopped worker sleeps until after its attempt has been given to another. */
const SLEEP = [7_000, 13_000] as const

export async function reap({ rig, faults, over }: Scene, random: Random): Promise<void> {
  const asleep: Promise<void>[] = []
  while (!over.aborted) {
    await rest(random.whole(500, 4_000), over)
    if (over.aborted) break
    const deed = random.weighted(DEEDS)
    faults.add(deed)
    if (deed === 'worker killed') await random.pick(rig.workers).kill()
    if (deed === 'server killed') await random.pick(rig.servers).kill()
    if (deed === 'worker stopped and woken') {
      const worker = random.pick(rig.workers)
      worker.signal('SIGSTOP')
      asleep.push(wake(worker, random.whole(...SLEEP)))
    }
    if (deed.startsWith('PostgreSQL')) await rig.restartStore(deed.endsWith('crashed') ? 'crash' : 'clean')
    if (deed.startsWith('Temporal')) await rig.restartTemporal(deed.endsWith('crashed') ? 'crash' : 'clean')
  }
  await Promise.all(asleep)
}

async function wake(worker: Program, after: number): Promise<void> {
  await sleep(after)
  worker.signal('SIGCONT')
}

/** Starts again whoever has ended, as a supervisor would. */
export async function supervise({ rig, over }: Scene, random: Random): Promise<void> {
  while (!over.aborted) {
    for (const program of [...rig.workers, ...rig.servers]) if (!program.running) program.start()
    await rest(random.whole(100, 700), over)
  }
}

/** What a worker said when it came to its own end: a stopped one is woken late. */
export function halted({ rig, faults }: Scene, random: Random, name: string, line: string): void {
  const [, point] = /^halted (.+)$/.exec(line) ?? []
  if (point === undefined) return
  faults.add('worker ended at a kill point')
  const worker = rig.workers.find(({ spec }) => spec.name === name)
  // Harmless where it was killed.
  if (worker) setTimeout(() => worker.signal('SIGCONT'), random.whole(...SLEEP))
}

export async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {})
}
