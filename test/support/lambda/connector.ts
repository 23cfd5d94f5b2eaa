/** Our connector function as it is deployed: built, zipped, and unpacked by somebody else's unzip. Once per test file. */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ENTRY, zipConnector } from '../../../connector/bundle.ts'

let unpacked: Promise<string> | undefined

/** The file that Lambda would load. */
export function builtConnector(): Promise<string> {
  return (unpacked ??= build())
}

async function build(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-connector-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const archive = join(folder, 'connector.zip')
  await writeFile(archive, await zipConnector())
  await promisify(execFile)('python3', ['-m', 'zipfile', '-e', archive, folder])
  return join(folder, ENTRY)
}
