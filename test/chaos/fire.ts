/** `make chaos`: burns Rekey down for a few minutes and checks that nothing was lost. Ends with 0 only without a violation. */
import { parseArgs } from 'node:util'
import { burn } from './burn.ts'
import { INVARIANTS } from './invariants.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '3' },
    environments: { type: 'string', default: '24' },
    workers: { type: 'string', default: '3' },
  },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => stop.abort(new Error(`ended by ${name}`)))

/** Coming to rest and checking have so many milliseconds; what takes longer hangs. */
const REST = 10 * 60_000
const late = setTimeout(
  () => stop.abort(new Error('it does not come to an end: something hangs')),
  Number(values.minutes) * 60_000 + REST,
)
late.unref()

/** Of each invariant, so many are told in full. */
const TOLD = 3

console.log(`seed ${seed} (again: make chaos ARGS="--seed ${seed}")`)
try {
  process.exitCode = await burn(
    {
      seed,
      seconds: Number(values.minutes) * 60,
      environments: Number(values.environments),
      workers: Number(values.workers),
      signal: stop.signal,
      tell: (line) => console.log(line),
    },
    async ({ faults, figures, violations, historyOf }) => {
      console.log(`\nfaults:\n${faults.lines().join('\n')}`)
      console.log(`\nfigures:\n${figures.lines().join('\n')}`)
      console.log('\ninvariants:')
      for (const { number, title } of INVARIANTS) {
        const count = violations.filter(({ invariant }) => invariant === number).length
        console.log(
          `${String(number).padStart(4)}  ${count === 0 ? 'held    ' : `BROKEN ${count}`}  ${title}`,
        )
      }
      const told = new Map<number, number>()
      for (const violation of violations) {
        const before = told.get(violation.invariant) ?? 0
        told.set(violation.invariant, before + 1)
        if (before >= TOLD) continue
        console.log(`\nVIOLATION of ${violation.invariant}: ${violation.what}`)
        console.log(JSON.stringify(violation.evidence, undefined, 1))
        console.log(await historyOf(violation))
      }
      console.log(`\nseed ${seed}: ${faults.total} faults survived, ${violations.length} violations`)
      return violations.length === 0 ? 0 : 1
    },
  )
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
process.exit()
