/** A process that applies what it reads from its standard input, so that a test can stop and kill it. */
import { text } from 'node:stream/consumers'
import { toRotationFailure } from '../../../model/failures.ts'
import { findRotator } from '../../../rotators/index.ts'

const { rotator, inputs, prepared, context } = JSON.parse(await text(process.stdin))
const signal = new AbortController().signal
const outcome: string = await findRotator(rotator)!
  .apply(inputs, prepared, { ...context, signal })
  .then(
    () => 'applied',
    (error: unknown) => toRotationFailure(error).code,
  )
process.stdout.write(outcome)
