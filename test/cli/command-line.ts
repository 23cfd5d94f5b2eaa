/** Runs `rekey` in this process, with settings and streams of the test's own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { createContext } from '../../cli/context.ts'
import { runCli } from '../../cli/run-cli.ts'
import type { Api } from '../server/api.ts'

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  /** Standard input. */
  input?: string
  /** Variables on top of the test's own. */
  env?: Record<string, string>
  signal?: AbortSignal
  /** Called with all that stderr has so far. */
  onErrors?: (text: string) => void
}

export interface CommandLine {
  /** Where its settings are kept. */
  home: string
  run(args: string[], options?: RunOptions): Promise<Ran>
  close(): Promise<void>
}

export async function commandLine(env: Record<string, string> = {}): Promise<CommandLine> {
  const home = await mkdtemp(join(tmpdir(), 'rekey-cli-'))
  return {
    home,
    run: async (args, { input = '', env: more = {}, signal, onErrors } = {}) => {
      const streams = { input: new PassThrough(), output: new PassThrough(), errors: new PassThrough() }
      streams.input.end(input)
      const texts = [collect(streams.output), collect(streams.errors, onErrors)] as const
      const environment = { PATH: '/usr/bin:/bin', HOME: home, ...env, ...more }
      const context = createContext(streams, signal ?? new AbortController().signal, environment)
      const code = await runCli(args, context, '0.0.0')
      streams.output.end()
      streams.errors.end()
      const [stdout, stderr] = await Promise.all(texts)
      return { code, stdout, stderr }
    },
    close: () => rm(home, { recursive: true, force: true }),
  }
}

/** The command line of the administrator of an API that nobody listens for yet. */
export async function adminCommandLine(api: Api): Promise<CommandLine> {
  const url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  return await commandLine({ REKEY_URL: url, REKEY_TOKEN: api.tokens['admin']! })
}

async function collect(stream: Readable, onText?: (text: string) => void): Promise<string> {
  let text = ''
  for await (const chunk of stream) {
    text += String(chunk)
    onText?.(text)
  }
  return text
}
