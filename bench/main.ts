/**
 * `make bench`: measures Rekey on servers of its own and prints medians and ratios. Times are this machine's at this
 * hour; a ratio compares two things of the same run. Ends by itself and leaves nothing behind.
 */
import { availableParallelism } from 'node:os'
import { measureDefinitions } from './definitions.ts'
import { measureLanguage } from './language.ts'
import { timed } from './measure.ts'
import { withRig } from './rig.ts'
import { measureMany, measureOne, measurePaths, measureSchedules } from './rotations.ts'

const DEADLINE = 10 * 60_000

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)))
const late = setTimeout(() => stop.abort(new Error('this takes too long: given up')), DEADLINE)

try {
  console.log(
    `Rekey on ${availableParallelism()} cores, Node.js ${process.versions.node}; ` +
      'everything on this machine, every commit synced to disk',
  )
  await measureLanguage()
  const time = await timed(() =>
    withRig(stop.signal, async (rig) => {
      await rig.environment('logins', rig.target.logins)
      const one = await measureOne(rig)
      await measureMany(rig, one)
      await measurePaths(rig)
      await measureDefinitions(rig)
      await measureSchedules(rig)
    }),
  )
  console.log(`\nAll of it took ${(time / 1000).toFixed(0)} s, starting and ending the servers included.`)
} catch (error) {
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  clearTimeout(late)
}
