/** The story that the demo tells, chapter by chapter; each claim is checked at the database itself. */
import { join } from 'node:path'
import { rotateAccessKey } from './aws-story.ts'
import { failPartly, rotateByHand } from './by-hand-story.ts'
import { make, succeeds } from './commands.ts'
import { managingDefinition, rotatedDefinition, withVariables } from './definitions.ts'
import { lookBack, searchForSecrets, showTemporal } from './looking-back-story.ts'
import { rotateMysqlUser } from './mysql-story.ts'
import { APP, NIGHTLY, atDatabase, type Scene } from './scene.ts'
import { showSchedule, watchSchedule } from './schedule-story.ts'

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
    passwords.push(...(await showSchedule(scene, fired)))
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
