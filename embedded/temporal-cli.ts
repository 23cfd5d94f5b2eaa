/** Finds the Temporal command line with a dev server in it, or gets it; starts no server. */
import { execFile } from 'node:child_process'
import { access, constants, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface TemporalCli {
  path: string
  /** Of the server inside, for instance `1.29.1`. */
  serverVersion: string
}

export interface TemporalCliOptions {
  /** The program to use and no other (`REKEY_TEMPORAL_CLI`). */
  cli?: string | undefined
  /** Folder for what is downloaded or built; the checkout's `.tools` when absent. */
  tools?: string
  /** Told before a step that takes long. */
  onProgress?: (line: string) => void
}

// Later tags cannot be built this way: their module replaces another by a local folder.
const MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1'
const DOWNLOAD_DEADLINE = 120_000
const BUILD_DEADLINE = 1_800_000

/**
 * The first that works of: the one given, `temporal` on PATH, `.tools`, the download that `@temporalio/testing` makes
 * (there already, then made now), a build by `go install`.
 * @throws Error that says what was tried and what to install.
 */
export async function findTemporalCli(options: TemporalCliOptions = {}): Promise<TemporalCli> {
  const { cli, tools = fileURLToPath(new URL('../.tools', import.meta.url)), onProgress = () => {} } = options
  if (cli) {
    const found = await examine(cli)
    if (typeof found !== 'string') return found
    throw new Error(`REKEY_TEMPORAL_CLI names ${cli}, which cannot be used: ${found}`)
  }
  const folder = join(tools, 'temporal')
  const version = await testingVersion()
  const downloaded = `temporal-cli-sdk-typescript-${version}`
  const ways: [string, () => Promise<string | undefined>][] = [
    ['temporal on PATH', onPath],
    ['.tools', () => present(join(folder, 'temporal'))],
    [
      'an earlier download',
      async () => (await present(join(folder, downloaded))) ?? present(join(tmpdir(), downloaded)),
    ],
    ['a download by @temporalio/testing', () => download(folder, downloaded, onProgress)],
    ['go install', () => build(folder, onProgress)],
  ]
  const tried: string[] = []
  for (const [name, way] of ways) {
    try {
      const path = await way()
      const found = path === undefined ? 'not there' : await examine(path)
      if (typeof found !== 'string') return found
      tried.push(`${name} (${found})`)
    } catch (error) {
      tried.push(`${name} (${(error as Error).message})`)
    }
  }
  throw new Error(
    `the Temporal CLI is missing: install it (https://docs.temporal.io/cli) or Go 1.25 or later, ` +
      `or name it in REKEY_TEMPORAL_CLI; tried ${tried.join(', ')}`,
  )
}

/** What the program is, or why it will not do. */
async function examine(path: string): Promise<TemporalCli | string> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 30_000 })
    // Built as a module it calls itself 0.0.0-DEV: only the part about the server tells.
    const serverVersion = /\(Server ([\w.-]+)/.exec(stdout)?.[1]
    return serverVersion ? { path, serverVersion } : 'not a Temporal CLI with a server'
  } catch (error) {
    const { code, killed } = error as { code?: string | number; killed?: boolean }
    return killed ? 'it did not answer' : code === 'ENOENT' ? 'not there' : `it cannot be run: ${code}`
  }
}

async function present(path: string): Promise<string | undefined> {
  return access(path, constants.X_OK).then(
    () => path,
    () => undefined,
  )
}

async function onPath(): Promise<string | undefined> {
  const { stdout } = await run('/bin/sh', ['-c', 'command -v temporal || :'])
  return stdout.trim() || undefined
}

async function testingVersion(): Promise<string> {
  try {
    const file = fileURLToPath(import.meta.resolve('@temporalio/testing/package.json'))
    return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version
  } catch {
    return 'none'
  }
}

async function download(folder: string, name: string, onProgress: (line: string) => void): Promise<string> {
  onProgress('downloading the Temporal CLI …')
  await mkdir(folder, { recursive: true })
  // The only call of the SDK that downloads also starts the server, which is ended at once. In a process of its own:
  // a download that hangs can then be given up.
  const script = `
    const { TestWorkflowEnvironment } = await import('@temporalio/testing')
    const executable = { type: 'cached-download', downloadDir: process.argv[1], ttl: '3650d' }
    const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } })
    await environment.teardown()`
  const here = fileURLToPath(new URL('..', import.meta.url))
  try {
    await run(process.execPath, ['--input-type=module', '--eval', script, folder], {
      cwd: here,
      timeout: DOWNLOAD_DEADLINE,
    })
  } catch (error) {
    throw new Error(
      (error as { killed?: boolean }).killed ? 'it took too long' : 'no network, or not for this machine',
    )
  }
  return join(folder, name)
}

async function build(folder: string, onProgress: (line: string) => void): Promise<string> {
  const draft = join(folder, `build-${process.pid}`)
  await run('go', ['version']).catch(() => {
    throw new Error('Go is not installed')
  })
  onProgress('building the Temporal CLI with go install; this takes some minutes, once …')
  await mkdir(draft, { recursive: true })
  try {
    const options = { timeout: BUILD_DEADLINE, maxBuffer: 64 * 1024 * 1024 }
    await run('/usr/bin/env', [`GOBIN=${draft}`, 'go', 'install', MODULE], options)
    const path = join(folder, 'temporal')
    await rename(join(draft, 'temporal'), path)
    return path
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(stderr.trim().split('\n').at(-1) || 'it failed')
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}
