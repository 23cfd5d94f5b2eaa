/** `make demo`: the main job for real, explained as it happens. Ends with 0 only when every claim held. */
import { mkdir } from 'node:fs/promises'
import { surroundings } from '../config/index.ts'
import { freePort } from '../embedded/free-port.ts'
import { startAws, type Aws } from './aws.ts'
import { setStage } from './stage.ts'
import { story } from './story.ts'
import { startTarget, type Target } from './target.ts'
import { BrokenClaim, createTeller } from './teller.ts'

const teller = createTeller(process.stdout, surroundings().colours !== 'never')
const stopping = new AbortController()
let interrupted = false
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    interrupted = true
    stopping.abort(new Error('interrupted'))
  })

const started = Date.now()
const stage = await setStage(teller, stopping.signal)
let target: Target | undefined
let aws: Aws | undefined
try {
  teller.say(
    'Rekey replaces credentials on a schedule or when asked, proves that each new one works, and keeps',
  )
  teller.say(
    'the one before alive. This runs it for real: two PostgreSQL servers, Temporal, server and worker, and a stand-in for AWS.',
  )
  teller.chapter('Everything starts, in a temporary folder')
  const awsFolder = `${stage.folder}/aws`
  await mkdir(awsFolder)
  aws = await startAws(awsFolder, stopping.signal)
  const listen = `127.0.0.1:${await freePort()}`
  const issuer = `http://${listen}`
  stage.use({
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ENDPOINT_URL_STS: aws.stsEndpoint,
    REKEY_OIDC_ISSUER: issuer,
  })
  teller.command('rekey dev')
  const starting = startTarget(`${stage.folder}/shop-database`, stopping.signal)
  // Whichever is slower: what was started must be known before it can be ended.
  const [database, rekey] = await Promise.allSettled([
    starting,
    stage.startRekey(listen, (words) => stopping.abort(new Error(words))),
  ])
  if (database.status === 'fulfilled') target = database.value
  if (database.status === 'rejected') throw database.reason
  if (rekey.status === 'rejected') throw rekey.reason
  await story({ teller, stage, aws, issuer, target: database.value, ...rekey.value, signal: stopping.signal })
  await endAll()
  teller.say('')
  teller.say(
    `All ${teller.checks} checks held, in ${Math.round((Date.now() - started) / 1000)} s. To keep it running: make dev`,
  )
} catch (error) {
  process.exitCode = interrupted ? 130 : 1
  process.stderr.write(interrupted ? '\nending the demo …\n' : `\nthe demo failed: ${wordsOf(error)}\n`)
  await endAll().catch((failure: unknown) => process.stderr.write(`${wordsOf(failure)}\n`))
}

async function endAll(): Promise<void> {
  const succeeded = (process.exitCode ?? 0) === 0
  if (succeeded) teller.chapter('Everything ends')
  try {
    const { code, started: parts, left } = await stage.stopRekey()
    if (!succeeded) return
    teller.check('rekey dev ended with 0', code === 0, `it ended with ${code}`)
    teller.check(`none of its ${parts} processes is left`, parts === 5 && left.length === 0, left.join(', '))
  } finally {
    await target?.server.stop().finally(() => (target = undefined))
    await aws?.stop().finally(() => (aws = undefined))
    await stage.clear()
  }
}

function wordsOf(error: unknown): string {
  const cause: unknown = stopping.signal.aborted ? stopping.signal.reason : error
  if (cause instanceof BrokenClaim || stopping.signal.aborted) return (cause as Error).message
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}
