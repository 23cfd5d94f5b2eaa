/** The definition language by itself: no store, no network, hosts that answer at once or after a while. */
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import {
  check,
  load,
  open,
  rotate,
  toWire,
  type Document,
  type Environment,
  type Host,
  type Value,
} from '../language/index.ts'
import { median, microseconds, milliseconds, ratio, series } from './measure.ts'
import { printRows, type Row } from './report.ts'

const SIZES = [10, 100, 1000, 10_000]
const CHAINS = [1, 10, 100]
/** What the others of a kind are compared to: with fewer, what every evaluation takes anyway counts most. */
const REFERENCE = 100

export async function measureLanguage(): Promise<void> {
  await measureSizes()
  await measureChains()
  await measureWaiting()
}

async function measureSizes(): Promise<void> {
  const texts = new Map(SIZES.map((size) => [size, definition(size)]))
  const rotating = new Map(SIZES.map((size) => [size, definition(size, true)]))
  await printSizes('Check, from the text to the values', (size) => check(read(texts.get(size)!), host()))
  await printSizes('Open, from the text to the values', (size) => open(read(texts.get(size)!), host()))
  await printSizes('Rotate every tenth value, from the text to the values', (size) =>
    rotate(read(rotating.get(size)!), host()),
  )
  const documents = new Map([...texts].map(([size, text]) => [size, read(text)]))
  await printSizes('Open what has been read: the evaluation alone', (size) =>
    open(documents.get(size)!, host()),
  )
  const opened = new Map<number, Environment | null>()
  for (const [size, document] of documents) opened.set(size, (await open(document, host())).environment)
  await printSizes(
    "Write what was opened as the API's JSON",
    async (size) => void toWire(opened.get(size)!).length,
  )
}

async function printSizes(name: string, work: (size: number) => Promise<unknown>): Promise<void> {
  const times = new Map<number, number>()
  for (const size of SIZES) {
    // the compiler goes on to learn for a while
    await series(size < 1000 ? 100 : 20, () => work(size))
    times.set(size, median(await series(size < 10_000 ? 25 : 9, () => work(size))))
  }
  printRows(`${name} (median; plain, interpolated and secret values)`, rowsOf(times, 'values'))
}

async function measureChains(): Promise<void> {
  for (const [name, work] of [
    ['Check', check],
    ['Open', open],
  ] as const) {
    const times = new Map<number, number>()
    for (const length of CHAINS) {
      const environments = new Map(
        Array.from({ length }, (_, index) => {
          const imports = index + 1 < length ? `imports: [e${index + 1}]\n` : ''
          return [`e${index}`, `${imports}values:\n  own: ${index}\n  all: {key: ${index}}\n`]
        }),
      )
      const document = read('imports: [e0]\nvalues:\n  a: ${own}\n')
      const run = () => work(document, host({ environments }))
      await series(50, run)
      times.set(length, median(await series(25, run)))
    }
    printRows(`${name} over a chain of imports, each read anew (median)`, rowsOf(times, 'imports'))
  }
}

function rowsOf(times: ReadonlyMap<number, number>, what: string): Row[] {
  const base = times.get(REFERENCE)! / REFERENCE
  return [...times].map(([count, time]): Row => [
    `${count} ${what}: ${milliseconds(time)}, each`,
    microseconds(time / count),
    count === REFERENCE ? '' : `${ratio(time / count, base)} of ${REFERENCE} ${what}`,
  ])
}

/** 26 imports beside one another, and ten logins that each need one of them. */
async function measureWaiting(): Promise<void> {
  const environments = new Map(
    Array.from({ length: 26 }, (_, index) => [`e${index}`, `values:\n  a${index}: ${index}\n`]),
  )
  const calls = Array.from(
    { length: 10 },
    (_, index) => `  o${index}: {fn::open::echo: {x: "\${a${index}}"}}`,
  )
  const document = read(`imports: [${[...environments.keys()].join(', ')}]\nvalues:\n${calls.join('\n')}\n`)
  const rows: Row[] = []
  for (const [load, login] of [
    [0, 0],
    [0, 10],
    [10, 0],
    [10, 10],
  ] as const) {
    const run = () => open(document, host({ environments, load, login }))
    await series(3, run)
    const time = median(await series(9, run))
    const alone = 26 * load + 10 * login
    rows.push([
      `loads of ${load} ms, logins of ${login} ms`,
      milliseconds(time),
      alone === 0 ? '' : `the waiting alone is ${alone} ms one after another`,
    ])
  }
  printRows('Open a definition with 26 imports and ten logins (median of 9)', rows)
}

function definition(size: number, rotating = false): string {
  const lines = Array.from({ length: size }, (_, at) => {
    if (rotating && at % 10 === 9) return `  v${at}: { fn::rotate::fixed: { inputs: {} } }`
    if (at % 3 === 0) return `  v${at}: value ${at}`
    return at % 3 === 1 ? `  v${at}: before \${v${at - 1}} after` : `  v${at}: { fn::secret: secret-${at} }`
  })
  return `values:\n${lines.join('\n')}\n`
}

function read(text: string): Document {
  const { document, diagnostics } = load('bench/values', text)
  if (!document || diagnostics.length > 0) throw new Error('the definition to be measured is not right')
  return document
}

interface Answering {
  environments?: ReadonlyMap<string, string>
  /** Milliseconds that each load, and each login, takes. */
  load?: number
  login?: number
}

function host({ environments, load: loading = 0, login = 0 }: Answering = {}): Host {
  const decrypt = async (ciphertext: Uint8Array): Promise<Uint8Array> => ciphertext
  const state: Value = { value: { password: { value: 'made', secret: true } } }
  return {
    decrypt,
    context: { value: {} },
    loadEnvironment: async (name) => {
      if (loading > 0) await setTimeout(loading)
      return { text: environments?.get(name) ?? '', decrypt }
    },
    loadProvider: async () => ({
      schema: () => ({ inputs: true, outputs: true }),
      open: async (inputs) => {
        if (login > 0) await setTimeout(login)
        return inputs
      },
    }),
    loadRotator: async () => ({
      schema: () => ({ inputs: true, state: { type: 'object' }, outputs: true }),
      open: async (_inputs, current) => current ?? state,
      rotate: async () => state,
    }),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await measureLanguage()
