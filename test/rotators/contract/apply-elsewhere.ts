/** A process that applies what it reads from its standard input, so that a test can stop and kill it. */
import { text } from 'node:stream/consumers'
import { toRotationFailure } from '../../../model/failures.ts'
import type { AnyRotator } from '../../../rotators/rotator.ts'

const name = process.argv[2] ?? ''
// The one that docs/writing-a-rotator.md builds is in no registry.
const rotator: AnyRotator | undefined =
  name === 'parcels'
    ? (await import('../../writing-a-rotator/rotators/parcels.ts')).parcels
    : (await import('../../../rotators/index.ts')).findRotator(name)
// By way of a function: what is loaded only then takes a while as well.
if (process.env.AWS_ENDPOINT_URL_LAMBDA) await import('@aws-sdk/client-lambda')
process.stdout.write('ready')
const { inputs, prepared, context } = JSON.parse(await text(process.stdin))
const signal = new AbortController().signal
const outcome: string = await rotator!.apply(inputs, prepared, { ...context, signal }).then(
  () => 'applied',
  (error: unknown) => toRotationFailure(error).code,
)
process.stdout.write(outcome)
