/** What every chapter does with the command line. */
import type { Stage } from './stage.ts'
import type { Teller } from './teller.ts'

export async function make(stage: Stage, teller: Teller, name: string, definition: string): Promise<void> {
  const file = `${name.split('/')[1]}.yaml`
  await stage.write(file, definition)
  await succeeds(stage.rekey(['env', 'init', name, '-f', file]), teller)
}

export async function succeeds(run: ReturnType<Stage['rekey']>, teller: Teller): Promise<void> {
  const { code } = await run
  if (code !== 0) teller.check('the command succeeds', false, `it exits with ${code}`)
}

export async function openAll(stage: Stage, name: string): Promise<Record<string, unknown>> {
  const { stdout, code } = await stage.rekey(['env', 'open', name, '--json'], { quiet: true })
  if (code !== 0) throw new Error(`${name} does not open`)
  return JSON.parse(stdout) as Record<string, unknown>
}
