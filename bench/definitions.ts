/** Definitions of growing size, opened and checked as the API does it, store included. */
import { checkDefinition } from '../environments/check.ts'
import { openEnvironment } from '../environments/open.ts'
import { median, microseconds, milliseconds, ratio, series } from './measure.ts'
import { printRows, type Row } from './report.ts'
import { LOGIN, ORGANIZATION, type Rig } from './rig.ts'

const SIZES = [10, 100, 1000]
const RUNS = 15

export async function measureDefinitions(rig: Rig): Promise<void> {
  for (const { name, work } of [
    { name: 'Open', work: open },
    { name: 'Check', work: check },
  ]) {
    const times: [size: number, time: number][] = []
    for (const size of SIZES) {
      const run = await work(rig, size)
      await series(2, run)
      times.push([size, median(await series(RUNS, run))])
    }
    const [firstSize, first] = times[0]!
    const rows = times.map(([size, time]): Row => [
      `${size} values: ${milliseconds(time)}, each`,
      microseconds(time / size),
      size === firstSize ? '' : `${ratio(time / size, first / firstSize)} of ${firstSize} values`,
    ])
    printRows(`${name} a definition: plain, interpolated and secret values (median of ${RUNS})`, rows)
  }
}

async function open(rig: Rig, size: number): Promise<() => Promise<unknown>> {
  const environment = await rig.environment(`values-${size}`, definition(size))
  const { services } = rig
  // Else all but the first would be given the values of the one before.
  const alone = { ...services, settings: { ...services.settings, cachedSessions: 0 } }
  return () => openEnvironment(alone, { environment, login: LOGIN, durationMs: 60_000 })
}

async function check(rig: Rig, size: number): Promise<() => Promise<unknown>> {
  const text = definition(size)
  return async () => {
    const { diagnostics } = await checkDefinition(rig.services, {
      organization: ORGANIZATION,
      text,
      login: LOGIN,
      showSecrets: true,
    })
    if (diagnostics.length > 0) throw new Error('the definition to be measured is not right')
  }
}

function definition(size: number): string {
  const lines = Array.from({ length: size }, (_, at) => {
    if (at % 3 === 0) return `  v${at}: value ${at}`
    return at % 3 === 1 ? `  v${at}: before \${v${at - 1}} after` : `  v${at}: { fn::secret: secret-${at} }`
  })
  return `values:\n${lines.join('\n')}\n`
}
