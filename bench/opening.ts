/** Programs that fetch their configuration: `open` and read over the HTTP API, one client and many at once. */
import { median, milliseconds } from './measure.ts'
import { figure, judge, printRows, type Row } from './report.ts'
import type { Rig } from './rig.ts'
import { less, processorTime } from './usage.ts'

const CLIENTS = [1, 16]
/** Milliseconds for what is compiled while it runs: a server is at its speed after some thousand requests. */
const WARM_UP = 5_000
const DURATION = 5_000

const IMPORTED = `values:
  region: eu-central-1
  host: db.example.com
  token: { fn::secret: imported-secret }
`
/** Ten values: plain ones, some that refer to the import and to each other, and secrets. */
const DEFINITION = `imports: [bench/imported]
values:
  name: application
  replicas: 3
  verbose: false
  url: https://\${host}/\${name}
  database: { fn::secret: database-password }
  key: { fn::secret: signing-key }
  dsn: postgres://app:\${database}@\${host}/app
  zones: [a, b, c]
  labels: { team: platform, region: "\${region}" }
  bearer: Bearer \${token}
`

export async function measureOpening(rig: Rig): Promise<void> {
  await rig.environment('imported', IMPORTED)
  await rig.environment('opened', DEFINITION)
  const pair = async () => {
    const { id } = JSON.parse(await rig.api.call('POST', 'opened', 'open')) as { id: string }
    const text = await rig.api.call('GET', 'opened', `open/${id}`)
    if (!text.includes('Bearer imported-secret')) throw new Error('what was opened is not what was defined')
  }
  const rows: Row[] = []
  for (const clients of CLIENTS) {
    await run(pair, clients, WARM_UP)
    const before = processorTime(rig.processes)
    const own = process.cpuUsage()
    const { count, times, elapsed } = await run(pair, clients, DURATION)
    const { user, system } = process.cpuUsage(own)
    const used = { ...less(processorTime(rig.processes), before), clients: (user + system) / 1000 }
    const pairs = count / (elapsed / 1000)
    const of = (part: keyof typeof used) => `${part} ${milliseconds(used[part] / count)}`
    figure(`open.${clients}.pairs`, pairs)
    figure(`open.${clients}.server.cpu.ms`, used.server / count)
    figure(`open.${clients}.store.cpu.ms`, used.store / count)
    rows.push(
      [
        `${clients} client${clients === 1 ? '' : 's'}: pairs of open and read a second`,
        pairs.toFixed(0),
        `${(2 * pairs).toFixed(0)} requests a second; a pair takes ${milliseconds(median(times))} (median)`,
      ],
      [
        '  processor time a pair',
        milliseconds((used.server + used.store) / count),
        `${of('server')}, ${of('store')} (and the clients themselves ${milliseconds(used.clients / count)})`,
      ],
    )
    if (clients === 16)
      judge('opens and reads a second, 16 clients', 2 * pairs, { unit: '/s', atLeast: 1000 })
  }
  printRows('Open and read an environment with one import and ten values', rows)
}

async function run(
  work: () => Promise<void>,
  clients: number,
  duration: number,
): Promise<{ count: number; times: number[]; elapsed: number }> {
  const times: number[] = []
  const start = performance.now()
  const client = async () => {
    for (let now = performance.now(); now < start + duration;) {
      await work()
      const end = performance.now()
      times.push(end - now)
      now = end
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return { count: times.length, times, elapsed: performance.now() - start }
}
