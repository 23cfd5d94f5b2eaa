/** A text in a file of its own while a person edits it; nobody else may read it. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Context } from './context.ts'
import { Failure } from './failure.ts'

export interface Draft {
  file: string
  /** Runs the person's editor and returns the text they left. @throws Failure */
  edit(context: Context): Promise<string>
  discard(): Promise<void>
}

export async function openDraft(text: string): Promise<Draft> {
  const file = join(await mkdtemp(join(tmpdir(), 'rekey-edit-')), 'definition.yaml')
  await writeFile(file, text, { mode: 0o600 })
  return {
    file,
    edit: async ({ surroundings: { editor, environment } }) => {
      // Through the shell: editors are set as `code --wait` too.
      const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], {
        stdio: 'inherit',
        env: environment,
      })
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject)
        child.once('exit', resolve)
      })
      if (code !== 0)
        throw new Failure(
          `the editor "${editor}" ended with ${code ?? 'a signal'}: set EDITOR, or give the definition with -f`,
        )
      return readFile(file, 'utf8')
    },
    discard: () => rm(dirname(file), { recursive: true, force: true }),
  }
}
