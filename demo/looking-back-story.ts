/** The last chapters: what the history tells, what operators see, and that no secret is anywhere in clear. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { APP, REPORTS, type Scene } from './scene.ts'

export async function lookBack({ teller, stage }: Scene): Promise<void> {
  teller.chapter('Looking back')
  const revisions = await stage.rekey(['env', 'history', APP, '--revisions'])
  teller.check(
    'each of the three rotations is one revision',
    revisions.stdout.match(/ rotation\b/g)?.length === 3,
  )
  const history = await stage.rekey(['env', 'history', REPORTS])
  teller.check(
    'the history tells the partly failed run from the good ones',
    /^\S+ \S+ +manual .* failed .*audit failed/m.test(history.stdout),
  )
}

export async function showTemporal({ teller, temporalUrl }: Scene): Promise<void> {
  teller.chapter('What operators see: the Temporal UI')
  const answer = await fetch(`${temporalUrl}/api/v1/namespaces/default/workflows`)
  const { executions = [] } = (await answer.json()) as {
    executions?: { execution: { workflowId: string } }[]
  }
  const rotations = executions
    .map(({ execution }) => execution.workflowId)
    .filter((id) => id.startsWith('rotate/'))
  teller.say(`${temporalUrl}/namespaces/default/workflows lists each run with environment and trigger;`)
  teller.say(
    `one of them: ${temporalUrl}/namespaces/default/workflows/${encodeURIComponent(rotations[0] ?? '')}`,
  )
  teller.say(
    'inside, one activity for each path, its outcome and code in its summary. (It ends with this demo.)',
  )
  teller.check(`it has the ${rotations.length} runs of this demo`, rotations.length >= 6)
}

export async function searchForSecrets({ teller, stage }: Scene, passwords: string[]): Promise<void> {
  teller.chapter('What is nowhere in clear')
  const files = await readdir(stage.dataDir, { recursive: true, withFileTypes: true })
  const kept = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name))
  const texts = await Promise.all(kept.map((file) => readFile(file)))
  const total = Math.round(texts.reduce((sum, { length }) => sum + length, 0) / 1_000_000)
  const found = kept.filter((_, index) => passwords.some((password) => texts[index]!.includes(password)))
  teller.check(
    `none of the ${passwords.length} passwords and keys above is in the ${total} MB that Rekey, Temporal, PostgreSQL and their logs keep`,
    found.length === 0,
    found.join(', '),
  )
}
