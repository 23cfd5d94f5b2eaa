/** Values as files for a program that is run: in a folder of their own that only the person may enter. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TemporaryFiles {
  /** Where each value is, by name. */
  paths: Record<string, string>
  remove(): Promise<void>
}

export async function writeFiles(contents: Record<string, string>): Promise<TemporaryFiles> {
  const entries = Object.entries(contents)
  if (entries.length === 0) return { paths: {}, remove: () => Promise.resolve() }
  const folder = await mkdtemp(join(tmpdir(), 'rekey-run-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const paths: Record<string, string> = {}
    for (const [index, [name, text]] of entries.entries()) {
      // The name is a variable's and may hold anything.
      const path = join(folder, String(index))
      await writeFile(path, text, { mode: 0o600 })
      paths[name] = path
    }
    return { paths, remove }
  } catch (error) {
    await remove()
    throw error
  }
}
