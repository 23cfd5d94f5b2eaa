/**
 * `make bench`: measures Rekey on servers of its own and prints medians and ratios. Times are this machine's at this
 * hour; a ratio compares two things of the same run. Ends by itself and leaves nothing behind but its report.
 * Arguments: `--json <file>` (else .rekey/bench.json), and names of parts, for some of them.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { measureDefinitions } from './definitions.ts'
import { measureLanguage } from './language.ts'
import { timed } from './measure.ts'
import { measureOpening } from './opening.ts'
import { printTargets, writeReport } from './report.ts'
import { withRig, type Rig } from './rig.ts'
import { measureOne, measurePaths } from './rotations.ts'
import { measureRest, measureSchedules } from './schedules.ts'

const DEADLINE = 25 * 60_000

const parts: Record<string, (rig: Rig) => Promise<void>> = {
  rotations: async (rig) => measurePaths(rig, await measureOne(rig)),
  opening: measureOpening,
  definitions: measureDefinitions,
  schedules: measureSchedules,
  rest: measureRest,
}
const names = ['language', ...Object.keys(parts)]

const { values, positionals } = parseArgs({
  options: { json: { type: 'string', default: '.rekey/bench.json' } },
  allowPositionals: true,
})
const unknown = positionals.find((name) => !names.includes(name))
if (unknown !== undefined) {
  console.error(`bench: there is no part "${unknown}"; there are ${names.join(', ')}`)
  process.exit(2)
}
const wanted = names.filter((name) => positionals.length === 0 || positionals.includes(name))

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)))
const late = setTimeout(() => stop.abort(new Error('this takes too long: given up')), DEADLINE)

try {
  console.log(
    `Rekey on ${availableParallelism()} cores, Node.js ${process.versions.node}; ` +
      'everything on this machine, every commit synced to disk',
  )
  const time = await timed(async () => {
    if (wanted.includes('language')) await measureLanguage()
    const onServers = wanted.filter((name) => name in parts)
    if (onServers.length === 0) return
    await withRig(stop.signal, async (rig) => {
      await rig.environment('logins', rig.target.logins)
      for (const name of onServers) await parts[name]!(rig)
    })
  })
  printTargets()
  const file = resolve(values.json)
  writeReport(file)
  console.log(`\nAll of it took ${(time / 1000).toFixed(0)} s, starting and ending the servers included.`)
  console.log(`The same as JSON: ${values.json}`)
} catch (error) {
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  clearTimeout(late)
}
