/** The schedule that fires by itself while the other chapters are told, and the chapter about it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { succeeds } from './commands.ts'
import { NIGHTLY, opened, works, type Scene } from './scene.ts'

/** A cron text has no seconds: a minute, and what it takes to rotate on a busy machine. */
const SCHEDULE_DEADLINE = 120_000

interface Firing {
  executed: string
  result: string
}

/** Settles when the schedule has fired and its rotation has ended. */
export async function watchSchedule({ teller, stage, signal }: Scene): Promise<Firing> {
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

export async function showSchedule(
  { teller, stage, target }: Scene,
  fired: Promise<Firing>,
): Promise<string[]> {
  teller.chapter('The schedule fires by itself')
  teller.say('It is due at each full minute; we watch until it has fired and its rotation has ended.')
  const firing = await fired
  await stage.rekey(['env', 'schedule', 'history', NIGHTLY])
  await stage.rekey(['env', 'history', NIGHTLY])
  const { check } = teller
  check(`the schedule fired at ${firing.executed} and its rotation succeeded`, firing.result === 'succeeded')
  const { current } = await opened(stage, NIGHTLY)
  check(`${current.username} logs in with the password that nobody asked for`, await works(target, current))
  await succeeds(stage.rekey(['env', 'schedule', 'remove', NIGHTLY]), teller)
  return [current.password]
}
