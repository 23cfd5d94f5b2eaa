/** `rekey dev`: everything on one machine. Standard output has one line only, for whoever waits for it. */
import type { Command } from 'commander'
import { loadConfig, type ListenAddress } from '../../config/index.ts'
import type { Dev } from '../../embedded/dev.ts'
import { declare } from '../command.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { note, print, styled } from '../output.ts'
import { untilAborted } from '../until-aborted.ts'

interface Options {
  dataDir?: string
  listen?: string
  org?: string
  postgresPort?: string
  temporalPort?: string
  uiPort?: string
}

export function addDev(program: Command, context: Context): void {
  declare(program, {
    usage: 'dev',
    about:
      'run everything on this machine: PostgreSQL, Temporal, server and worker; prints one line ' +
      '"rekey ready <url> <temporal-ui-url>" once it can serve, and ends cleanly on SIGTERM or Ctrl-C',
    examples: ['rekey dev', 'rekey dev --data-dir /var/lib/rekey --listen 127.0.0.1:8790'],
  })
    .option('--data-dir <folder>', 'where all state is kept (REKEY_DATA_DIR)')
    .option('--listen <address>', 'host and port of the HTTP API; port 0 takes a free one (REKEY_LISTEN)')
    .option('--org <name>', 'organization to make, with the administrator "admin"', 'main')
    .option('--postgres-port <port>', 'port of the embedded PostgreSQL; else a free one')
    .option('--temporal-port <port>', 'port of the embedded Temporal; else a free one')
    .option('--ui-port <port>', "port of Temporal's web pages; else a free one")
    .action(async (options: Options) => {
      const settings = context.settings()
      const listen = options.listen === undefined ? settings.listen : readListen(options.listen)
      const ports = {
        postgresPort: readPort(options.postgresPort),
        temporalPort: readPort(options.temporalPort),
        uiPort: readPort(options.uiPort),
      }
      // Loaded here: no other command should wait for it.
      const { startDev } = await import('../../embedded/dev.ts')
      const { signal } = context
      const dev = await startDev({
        settings,
        dataDir: options.dataDir ?? settings.dataDir,
        listen,
        organization: options.org ?? 'main',
        ...ports,
        signal,
        onProgress: (line) => note(context, styled(context, 'errors', 'dim', line)),
      }).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
      if (!dev) return note(context, 'ended before it was up')
      tellWhere(context, dev)
      print(context, `rekey ready ${dev.url} ${dev.temporalUrl}`)
      const served = new AbortController()
      const asked = untilAborted(AbortSignal.any([signal, served.signal])).then(() => undefined)
      const lost = await Promise.race([dev.lost, asked])
      served.abort()
      note(context, lost === undefined ? 'ending …' : `${lost}; ending the rest …`)
      await dev.stop()
      if (lost !== undefined) throw new Failure(`rekey dev is over because ${lost}; logs are in ${dev.logs}`)
    })
}

function tellWhere(context: Context, dev: Dev): void {
  const { url, temporalUrl, tokenFile, postgres, logs, dataDir } = dev
  const lines = [
    '',
    styled(context, 'errors', 'bold', 'Rekey is up.'),
    `  HTTP API      ${url}`,
    `  access token  ${tokenFile}`,
    `  log in        rekey login ${url} --token-file ${tokenFile}`,
    `  Temporal UI   ${temporalUrl}`,
    `  PostgreSQL    ${postgres}, user postgres, password in ${dataDir}/postgres.password`,
    `  logs          ${logs}`,
    'Ctrl-C ends all of it; the state stays.',
    '',
  ]
  note(context, lines.join('\n'))
}

function readListen(text: string): ListenAddress {
  try {
    return loadConfig({ REKEY_LISTEN: text }).listen
  } catch {
    throw new Failure(`--listen must be a host and a port such as 127.0.0.1:8790, not "${text}"`)
  }
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw new Failure(`"${text}" is no port: give a number from 1 to 65535`)
  return port
}
