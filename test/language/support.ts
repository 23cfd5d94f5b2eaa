/** A host for tests: environments from texts, providers that count their calls, a cipher that is no cipher. */
import {
  check,
  load,
  open,
  rotate,
  toJSON,
  type Diagnostic,
  type Evaluation,
  type Host,
  type Provider,
  type RotateFunction,
  type Schema,
  type Value,
} from '../../language/index.ts'

export interface TestHost extends Host {
  /** Every call, e.g. `load a/b`, `open echo`, `rotate pg`, in order. */
  log: string[]
}

interface Rotator {
  inputs?: Schema
  state?: Schema
  outputs?: Schema
  open?: RotateFunction['open']
  rotate?: RotateFunction['rotate']
}

export interface HostOptions {
  environments?: Record<string, string>
  providers?: Record<string, { inputs?: Schema; outputs?: Schema; open?: Provider['open'] }>
  rotators?: Record<string, Rotator>
  context?: Record<string, Value>
}

export function testHost(options: HostOptions = {}): TestHost {
  const log: string[] = []
  const providers: HostOptions['providers'] = { echo: {}, ...options.providers }
  return {
    log,
    loadEnvironment(name) {
      log.push(`load ${name}`)
      const text = options.environments?.[name]
      if (text === undefined) return Promise.reject(new Error(`environment "${name}" not found`))
      return Promise.resolve({ text, decrypt: unconceal })
    },
    loadProvider(name) {
      const provider = providers[name]
      if (!provider) return Promise.reject(new Error(`unknown provider "${name}"`))
      return Promise.resolve({
        schema: () => ({ inputs: provider.inputs ?? true, outputs: provider.outputs ?? true }),
        async open(inputs, context) {
          log.push(`open ${name}`)
          return provider.open ? provider.open(inputs, context) : inputs
        },
      })
    },
    loadRotator(name) {
      const rotator = options.rotators?.[name]
      if (!rotator) return Promise.reject(new Error(`unknown rotator "${name}"`))
      const { inputs = true, state = { type: 'object' }, outputs = true } = rotator
      return Promise.resolve({
        schema: () => ({ inputs, state, outputs }),
        async open(given, current, context) {
          log.push(`open ${name} ${context.path}`)
          return rotator.open ? rotator.open(given, current, context) : (current ?? { value: {} })
        },
        async rotate(given, current, context) {
          log.push(`rotate ${name} ${context.path}`)
          return rotator.rotate
            ? rotator.rotate(given, current, context)
            : { value: { generation: { value: 'new' } } }
        },
      })
    },
    decrypt: unconceal,
    context: { value: options.context ?? {} },
  }
}

/** Turns every bit, and adds four bytes as real ciphers do. */
export function conceal(bytes: Uint8Array): Promise<Uint8Array> {
  return Promise.resolve(Buffer.concat([bytes.map((byte) => byte ^ 0xff), Buffer.from('tag!')]))
}

export function unconceal(bytes: Uint8Array): Promise<Uint8Array> {
  return Promise.resolve(bytes.slice(0, -4).map((byte) => byte ^ 0xff))
}

const RUNS = { check, open, rotate }

/** Loads and evaluates in one go; the diagnostics of both, and the values in clear. */
export async function run(
  mode: keyof typeof RUNS,
  text: string,
  options: HostOptions & { host?: TestHost; name?: string } = {},
): Promise<{
  values: unknown
  problems: string[]
  diagnostics: Diagnostic[]
  evaluation: Evaluation
  host: TestHost
}> {
  const host = options.host ?? testHost(options)
  const { document, diagnostics: loading } = load(options.name ?? 'app/prod', text)
  const evaluation = await RUNS[mode](document, host)
  const diagnostics = [...loading, ...evaluation.diagnostics]
  const values: unknown = JSON.parse(toJSON(evaluation.environment, { redact: false }))
  return { values, problems: diagnostics.map(problem), diagnostics, evaluation, host }
}

/** `line:column text`, a warning marked as such. */
export function problem({ severity, summary, range }: Diagnostic): string {
  const place = range ? `${range.begin.line}:${range.begin.column} ` : ''
  return `${place}${severity === 'warning' ? 'warning: ' : ''}${summary}`
}

/** A definition whose `values` are these lines. */
export function values(lines: string): string {
  const indented = lines.split('\n').map((line) => (line === '' ? '' : `  ${line}`))
  return `values:\n${indented.join('\n')}\n`
}
