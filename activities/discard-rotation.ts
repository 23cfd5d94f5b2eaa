/**
 * Discarding, asked for by a person: a value goes once the target refuses it, a key that the target made is removed,
 * of suspects only the one that is handed over. Giving up asks nobody and changes nothing but the journal.
 */
import { RotationFailure } from '../model/failures.ts'
import { advance } from '../store/journal.ts'
import type { Rotation } from '../store/rotation-row.ts'
import type { Attempt } from './attempt.ts'
import { suspected } from './apply-change.ts'
import type { ActionAttempt } from './carry-out.ts'
import { contentsOf, demandUnsettled } from './earlier-rotation.ts'
import { attemptFor, isInDefinition, removeMade, writeDown } from './left-behind.ts'
import { testPublished } from './prepare-change.ts'

/** How long a target may still list what was removed: looks, and milliseconds between them. */
const LOOKS = { times: 10, pause: 1_000 }

/** @throws RotationFailure INPUT_INVALID while the target accepts the value; KEY_LIMIT while there are suspects */
export async function discardRotation(action: ActionAttempt): Promise<Rotation> {
  const { services, row, event } = action
  const { db, findRotator } = services.environments
  const { rotation, key, giveUp } = event.subject
  const earlier = await demandUnsettled(db, row.environmentId, rotation)
  const rotator = findRotator(earlier.rotator)
  if (!rotator)
    throw new RotationFailure('INPUT_INVALID', `there is no rotator named "${earlier.rotator}" any more`)
  const { prepared, credential } = await contentsOf(services, earlier, rotator)
  const name = credential === null ? undefined : rotator.identity(credential)
  if (giveUp) {
    const warnings = [rotator.madeByTarget ? keyStays(name) : valueStays(name)]
    return await advance(db, row, { step: 'verified', verified: true, warnings })
  }
  if (key !== undefined && !rotator.removeSuspect)
    throw new RotationFailure('INPUT_INVALID', `${rotator.name} makes no keys that could be handed over`)
  if (key !== undefined && name !== undefined && key !== name)
    throw new RotationFailure('INPUT_INVALID', `that rotation made ${name}, not ${key}; nothing was touched`)
  const attempt = await attemptFor(action, earlier)
  const warnings: string[] = []
  if (credential === null) await discardSuspect(attempt, prepared, key)
  else if (await isInDefinition(attempt, earlier, credential))
    warnings.push(`${name} is or was in the definition: nothing was removed`)
  else if (rotator.madeByTarget) await removeMade(attempt, credential)
  else if ((await attempt.testSettled(credential)) === 'works')
    throw new RotationFailure(
      'INPUT_INVALID',
      `the target lets ${name} in with the value of that rotation: adopt it, or give it up`,
    )
  await attempt.advance({ step: 'verified', verified: true, warnings })
  return attempt.row
}

async function discardSuspect(attempt: Attempt, prepared: unknown, key: string | undefined): Promise<void> {
  const { rotator, inputs, published } = attempt.call
  if (prepared === null) return
  const answer = await attempt.recover(prepared)
  if (answer === 'not made') return
  if (answer !== 'unknown' && 'made' in answer) return await removeMade(attempt, answer.made)
  if (answer === 'unknown') throw new RotationFailure('OUTCOME_UNKNOWN')
  const { removeSuspect } = rotator
  if (key === undefined || !removeSuspect) throw 'suspects' in answer ? suspected(answer.suspects) : ours()
  await testPublished(attempt)
  const sendBy = await writeDown(attempt, key)
  await attempt.ask(async () => {
    await removeSuspect(inputs, prepared, key, attempt.context(sendBy), published)
  })
  await attempt.services.at('by hand: suspect removed')
  for (let look = 1; ; look += 1) {
    const left = await attempt.recover(prepared)
    if (left === 'not made') return
    const words =
      left !== 'unknown' && 'suspects' in left
        ? left.suspects
        : ['keys that were made since the answer was lost']
    if (words.some((one) => one.includes(key)) && look < LOOKS.times) await attempt.wait(LOOKS.pause)
    else
      throw new RotationFailure(
        'KEY_LIMIT',
        `${key} was removed, and what that rotation made may also be one of these: ${words.join('; ')}`,
      )
  }
}

function ours(): RotationFailure {
  return new RotationFailure(
    'KEY_LIMIT',
    'the inputs say that only Rekey makes keys, so the next rotation removes what that one made; rotate, or hand its key over by its id',
  )
}

function valueStays(name: string | undefined): string {
  const who = name === undefined ? 'the user' : `user ${name}`
  return `given up without asking the target: if that value has reached it, nobody knows the password of ${who} until the next rotation sets another`
}

function keyStays(name: string | undefined): string {
  return name === undefined
    ? 'given up without asking the target: if a key was made, it is still there, and nobody knows its secret'
    : `given up without asking the target: the key ${name} is still there, and is nobody's from now on`
}
