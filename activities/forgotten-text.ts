/** The text of the next revision without the states that people want forgotten, read back before anybody else. */
import { isDeepStrictEqual } from 'node:util'
import { calls, removeValue } from '../language/index.ts'
import { RotationFailure } from '../model/failures.ts'
import type { Environment } from '../store/environments.ts'
import type { RotationEvent } from '../store/events.ts'
import type { Rotation } from '../store/rotation-row.ts'
import { getRevision, type Revision } from '../store/revisions.ts'
import { documentOf, evaluateRotateCall, parseDefinition, type EvaluatedCall } from './definition.ts'
import type { Publication } from './published-text.ts'
import { reasonOf } from './published-text.ts'
import type { ActivityServices } from './services.ts'

interface Source {
  environment: Environment
  event: RotationEvent
  /** The revision that the new text is made from. */
  newest: Revision
  rotations: Rotation[]
}

/** @throws when the store is away; everything else is the fault of single paths. */
export async function forgottenText(services: ActivityServices, source: Source): Promise<Publication> {
  const { environment, event, newest } = source
  const { db } = services.environments
  const result: Publication = { text: newest.text, published: [], forgotten: [], decided: [], failed: [] }
  const base =
    newest.number === event.baseRevision ? newest : await getRevision(db, environment.id, event.baseRevision)
  for (const row of source.rotations) {
    try {
      const before = base && (await stateIn(services, source, documentOf(environment, base), row))
      const now = await stateIn(services, source, documentOf(environment, newest), row)
      if (!isDeepStrictEqual(before, now))
        throw new RotationFailure(
          'CONFLICT',
          'the state of this call was edited meanwhile; it was left alone',
        )
      const document = parseDefinition(environment, result.text)
      const call = calls(document).find(({ path }) => path === row.path)
      if (!call) throw new RotationFailure('CONFLICT', 'the rotate call is no longer in the definition')
      const text = removeValue(result.text, call.docPath)
      const left = await stateIn(services, source, parseDefinition(environment, text), row)
      if (left.current !== null) throw new RotationFailure('INTERNAL')
      result.text = text
      result.forgotten.push(row)
    } catch (error) {
      result.failed.push({ row, ...reasonOf(services, error) })
    }
  }
  return result
}

async function stateIn(
  services: ActivityServices,
  { environment, event }: Source,
  document: ReturnType<typeof documentOf>,
  { path, rotator }: Rotation,
): Promise<EvaluatedCall['published']> {
  const { login } = event
  const call = await evaluateRotateCall(services, {
    environment,
    login,
    document,
    path,
    rotator,
    logins: 'unknown',
  })
  return call.published
}
