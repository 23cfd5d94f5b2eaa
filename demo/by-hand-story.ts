/** The chapters about rotating by hand: what works when, and what a failure of one path leaves alone. */
import { make, openAll, succeeds } from './commands.ts'
import { rotatedDefinition } from './definitions.ts'
import { APP, REPORTS, atDatabase, opened, same, works, type Scene, type State } from './scene.ts'
import type { Stage } from './stage.ts'

export async function rotateByHand({ teller, stage, target }: Scene): Promise<string[]> {
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

export async function failPartly({ teller, stage, target }: Scene): Promise<string[]> {
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

async function openedBoth(stage: Stage): Promise<Record<'reports' | 'audit', State>> {
  return (await openAll(stage, REPORTS)) as Record<'reports' | 'audit', State>
}
