/** The story that the demo tells, chapter by chapter; each claim is checked at the database itself. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Aws } from './aws.ts'
import { rotateAccessKey } from './aws-story.ts'
import { make, openAll, succeeds } from './commands.ts'
import { managingDefinition, rotatedDefinition, withVariables } from './definitions.ts'
import { rotateMysqlUser } from './mysql-story.ts'
import type { Stage } from './stage.ts'
import type { Login, Target } from './target.ts'
import type { Teller } from './teller.ts'

export interface Scene {
  teller: Teller
  stage: Stage
  target: Target
  aws: Aws
  /** What Rekey is called as an OpenID provider. */
  issuer: string
  url: string
  temporalUrl: string
  signal: AbortSignal
}

interface State {
  current: Login
  previous?: Login
}

const APP = 'shop/production'
const NIGHTLY = 'shop/nightly'
const REPORTS = 'shop/back-office'
/** A cron text has no seconds: a minute, and what it takes to rotate. */
const SCHEDULE_DEADLINE = 75_000

export async function story(scene: Scene): Promise<void> {
  await prepareDatabase(scene)
  await writeEnvironments(scene)
  const over = new AbortController()
  const fired = watchSchedule({ ...scene, signal: AbortSignal.any([scene.signal, over.signal]) })
  // Awaited at its own chapter; a failure before that must not end the process unseen.
  fired.catch(() => undefined)
  try {
    const passwords = await rotateByHand(scene)
    passwords.push(...(await failPartly(scene)))
    passwords.push(...(await rotateMysqlUser(scene)))
    passwords.push(...(await rotateAccessKey(scene)))
    await lookBack(scene)
    scene.teller.chapter('The schedule fires by itself')
    scene.teller.say('It is due at each full minute; we watch until it has fired and its rotation has ended.')
    passwords.push(...(await showSchedule(scene, await fired)))
    await showTemporal(scene)
    await searchForSecrets(scene, [...passwords, scene.target.manager.password])
  } finally {
    over.abort()
  }
}

async function prepareDatabase({ teller, target }: Scene): Promise<void> {
  teller.chapter('A database, with a managing user that is no superuser')
  teller.say(
    `The shop's own PostgreSQL is at ${target.host}:${target.port}. Its owner makes the users, once:`,
  )
  const users = ['app', 'night', 'report', 'audit'].flatMap((name) => [`${name}_a`, `${name}_b`])
  const { username, password } = target.manager
  const statements = [
    `create role ${username} login createrole password '${password}'`,
    ...users.map((user) => `create role ${user} login password 'never-used'`),
    `grant ${users.join(', ')} to ${username} with admin option`,
  ]
  for (const sql of statements) {
    await atDatabase(target, teller, sql)
  }
  const [role] = await target.asOwner(`select rolsuper from pg_roles where rolname = '${username}'`)
  teller.check(`${username} is no superuser`, role?.['rolsuper'] === false)
}

async function writeEnvironments({ teller, stage, target, url }: Scene): Promise<void> {
  teller.chapter('Environments: who manages, and what rotates')
  const token = join(stage.dataDir, 'admin-token')
  await succeeds(stage.rekey(['login', url, '--token-file', token]), teller)
  teller.say(
    'The managing login is in an environment of its own; who reads the app environment need not see it.',
  )
  const managing = managingDefinition(target)
  teller.show(managing.replace(target.manager.password, '(typed once)'))
  await make(stage, teller, 'shop/managing', managing)
  const sealed = await stage.rekey(['env', 'get', 'shop/managing', 'managing.password'])
  teller.check(
    'it is sealed where it is kept',
    sealed.code === 0 && !sealed.stdout.includes(target.manager.password),
  )

  teller.say('The app environment has one fn::rotate::postgres call; two users take turns.')
  const app = withVariables(rotatedDefinition(target, { database: ['app_a', 'app_b'] }), 'database')
  teller.show(app)
  await make(stage, teller, APP, app)
  const early = await stage.rekey(['env', 'open', APP], { quiet: true })
  teller.check('before its first rotation it does not open: nothing is made up', early.code === 1)

  teller.say('Another environment rotates by itself, each minute here; it will fire while we go on.')
  await make(stage, teller, NIGHTLY, rotatedDefinition(target, { database: ['night_a', 'night_b'] }))
  await succeeds(
    stage.rekey(['env', 'schedule', 'new', NIGHTLY, '* * * * *', '--timezone', 'Europe/Berlin']),
    teller,
  )
}

async function rotateByHand({ teller, stage, target }: Scene): Promise<string[]> {
  const { check, say } = teller
  teller.chapter('Rotate by hand')
  await succeeds(stage.rekey(['env', 'rotate', APP]), teller)
  const first = await opened(stage, APP)
  await stage.rekey(['env', 'open', APP, 'database.current.username', '--format', 'string'])
  check(
    `${first.current.username} logs in to the database with its new password`,
    await works(target, first.current),
  )
  const initial = { username: first.current.username, password: 'never-used' }
  check('the password it had before is refused', !(await works(target, initial)))
  say('A program gets it without anybody seeing it; secrets are taken out of what it prints:')
  const ran = await stage.rekey([
    'env',
    'run',
    APP,
    '--',
    'sh',
    '-c',
    'echo "user $PGUSER, password $PGPASSWORD"',
  ])
  check(
    'the program had the password, the screen had not',
    ran.stdout.includes(`user ${first.current.username}, password [secret]`),
  )

  teller.chapter('Rotate again: the last two work, the one before them does not')
  await succeeds(stage.rekey(['env', 'rotate', APP]), teller)
  const second = await opened(stage, APP)
  check(`current is ${second.current.username} now, and logs in`, await works(target, second.current))
  check(
    'previous is what was current, and still logs in',
    same(second.previous, first.current) && (await works(target, first.current)),
  )
  await succeeds(stage.rekey(['env', 'rotate', APP]), teller)
  const third = await opened(stage, APP)
  check(
    `current is ${third.current.username} again, with another password, and logs in`,
    await works(target, third.current),
  )
  check(
    'previous still logs in',
    same(third.previous, second.current) && (await works(target, second.current)),
  )
  check('the one before those two no longer does', !(await works(target, first.current)))
  return [first, second, third].map(({ current }) => current.password)
}

async function failPartly({ teller, stage, target }: Scene): Promise<string[]> {
  const { check, say } = teller
  teller.chapter('One path fails, the other does not')
  say('An environment with two credentials, rotated together:')
  const calls: Record<string, [string, string]> = {
    reports: ['report_a', 'report_b'],
    audit: ['audit_a', 'audit_b'],
  }
  await make(stage, teller, REPORTS, rotatedDefinition(target, calls))
  await succeeds(stage.rekey(['env', 'rotate', REPORTS]), teller)
  const before = await openedBoth(stage)
  check(
    'both log in',
    (await works(target, before.reports.current)) && (await works(target, before.audit.current)),
  )

  say('At the database, somebody locks the user whose turn is next in the second one:')
  await atDatabase(target, teller, 'alter role audit_b nologin')
  const failed = await stage.rekey(['env', 'rotate', REPORTS])
  check('the exit code is 2: a script sees that it failed', failed.code === 2, `it is ${failed.code}`)
  check(
    'the broken path says why, in a code and in words',
    /^audit +failed +[A-Z_]{5,} +\S/m.test(failed.stdout),
  )
  const partly = await openedBoth(stage)
  check(
    'the good path is rotated and published all the same, and logs in',
    !same(partly.reports.current, before.reports.current) && (await works(target, partly.reports.current)),
  )
  check(
    'the broken path is as it was: its credential still logs in',
    same(partly.audit.current, before.audit.current) && (await works(target, partly.audit.current)),
  )

  say('The user is unlocked, and the failed path alone is rotated again:')
  await atDatabase(target, teller, 'alter role audit_b login')
  await succeeds(stage.rekey(['env', 'rotate', REPORTS, 'audit']), teller)
  const mended = await openedBoth(stage)
  check(
    'now it is rotated, and logs in',
    mended.audit.current.username === 'audit_b' && (await works(target, mended.audit.current)),
  )
  check('the good path was left alone', same(mended.reports.current, partly.reports.current))
  return [before, partly, mended].flatMap(({ reports, audit }) =>
    [reports, audit].map(({ current }) => current.password),
  )
}

async function lookBack({ teller, stage }: Scene): Promise<void> {
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

interface Firing {
  executed: string
  result: string
}

/** Settles when the schedule has fired and its rotation has ended. */
async function watchSchedule({ teller, stage, signal }: Scene): Promise<Firing> {
  const deadline = Date.now() + SCHEDULE_DEADLINE
  while (Date.now() < deadline) {
    await sleep(2_000, undefined, { signal })
    const { stdout } = await stage.rekey(['env', 'schedule', 'history', NIGHTLY, '--json'], { quiet: true })
    const firing = (JSON.parse(stdout || '[]') as Firing[]).find(({ result }) =>
      /^(succeeded|failed)$/.test(result),
    )
    if (firing) {
      teller.say(`(meanwhile: it is ${firing.executed}, the schedule has fired, ${NIGHTLY} is rotated)`)
      return firing
    }
  }
  throw new Error(`the schedule of ${NIGHTLY} did not fire within ${SCHEDULE_DEADLINE / 1000} s`)
}

async function showSchedule({ teller, stage, target }: Scene, firing: Firing): Promise<string[]> {
  await stage.rekey(['env', 'schedule', 'history', NIGHTLY])
  await stage.rekey(['env', 'history', NIGHTLY])
  const { check } = teller
  check(`the schedule fired at ${firing.executed} and its rotation succeeded`, firing.result === 'succeeded')
  const { current } = await opened(stage, NIGHTLY)
  check(`${current.username} logs in with the password that nobody asked for`, await works(target, current))
  await succeeds(stage.rekey(['env', 'schedule', 'remove', NIGHTLY]), teller)
  return [current.password]
}

async function showTemporal({ teller, temporalUrl }: Scene): Promise<void> {
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

async function searchForSecrets({ teller, stage }: Scene, passwords: string[]): Promise<void> {
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

async function atDatabase(target: Target, teller: Teller, sql: string): Promise<void> {
  teller.show(`${sql.replace(/password '.*'/, "password '…'")};`)
  await target.asOwner(sql)
}

async function opened(stage: Stage, name: string): Promise<State> {
  return (await openAll(stage, name))['database'] as State
}

async function openedBoth(stage: Stage): Promise<Record<'reports' | 'audit', State>> {
  return (await openAll(stage, REPORTS)) as Record<'reports' | 'audit', State>
}

async function works(target: Target, login: Login): Promise<boolean> {
  return (await target.logIn(login)) === login.username
}

function same(a: Login | undefined, b: Login): boolean {
  return a?.username === b.username && a.password === b.password
}
