/** Folders for embedded servers, and a parent that is killed while its server runs. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished, afterAll } from 'vitest'

/** A new folder that every system user may pass through; removed after the file's tests. */
export function temporaryFolder(name: string): string {
  const folder = join(tmpdir(), `rekey-embedded-${name}-${randomUUID().slice(0, 8)}`)
  mkdirSync(folder, { mode: 0o711 })
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    onTestFinished(remove)
  } catch {
    afterAll(remove)
  }
  return folder
}

/**
 * Runs `start(options)` of a module in a process of its own, kills that process with SIGKILL once the server is up, and
 * returns the server's process id. Options must survive JSON.
 */
export async function killedParent(module: string, start: string, options: object): Promise<number> {
  const url = new URL(module, import.meta.url).href
  const script = `
    const { ${start}: start } = await import(${JSON.stringify(url)})
    const server = await start(${JSON.stringify(options)})
    console.log(server.pid)
    setInterval(() => {}, 1000)`
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => parent.once('exit', () => resolve()))
  for await (const line of createInterface(parent.stdout)) {
    parent.kill('SIGKILL')
    await ended
    return Number(line)
  }
  throw new Error('the parent ended before its server was up')
}
