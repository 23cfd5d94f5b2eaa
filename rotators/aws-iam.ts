/**
 * `fn::rotate::aws-iam`: an IAM user's two access keys take turns. AWS makes them up, so an answer that is lost loses a
 * key. Deletes only what was handed to Rekey and written down first; a key that is merely new is nobody's.
 */
import { RotationFailure } from '../model/failures.ts'
import { Aws } from './aws-iam/aws.ts'
import { NoRoom } from './aws-iam/failures.ts'
import { belongsTo, checkManager, Keys, type ListedKey } from './aws-iam/keys.ts'
import { rehearse } from './aws-iam/rehearse.ts'
import { AWS_IAM_INPUTS, AWS_IAM_STATE } from './aws-iam/schema.ts'
import type { AccessKey, AwsIamInputs, PreparedKey } from './aws-iam/schema.ts'
import { credentialsOf, loginOf, regionOf, targetOf, userOf } from './aws-iam/user.ts'
import { WriteDownFirst, type Rotator, type RotatorContext, type RotatorState } from './rotator.ts'

/** As AWS has it for every user; it cannot be raised. */
const KEYS_PER_USER = 2

export const awsIam: Rotator<AwsIamInputs, AccessKey, PreparedKey> = {
  name: 'aws-iam',
  title: 'AWS IAM access keys',
  slots: 2,
  repeatable: false,
  madeByTarget: true,
  // Ten to fifteen seconds until all of AWS knows a key are usual, and one good answer says nothing of the next.
  settling: { successes: 5, deadline: 60_000, pause: 1_000 },
  inputs: AWS_IAM_INPUTS,
  state: AWS_IAM_STATE,
  outputs: AWS_IAM_STATE,
  permissions: [
    { who: 'the login, on the user', grant: 'iam:ListAccessKeys', why: 'to see which keys there are' },
    { who: 'the login, on the user', grant: 'iam:CreateAccessKey', why: 'to have a new key made' },
    {
      who: 'the login, on the user',
      grant: 'iam:DeleteAccessKey',
      why: 'to delete the key before the present one, when there is no room for another',
    },
    {
      who: 'the login, on the user',
      grant: 'iam:GetAccessKeyLastUsed',
      why: 'optional: to say when a key that is in the way was last used',
    },
    {
      who: 'the login, on itself',
      grant: 'iam:SimulatePrincipalPolicy',
      why: 'optional: so that a dry run can ask AWS whether the login may do the above',
    },
  ],

  targets(inputs) {
    const user = userOf(inputs)
    regionOf(inputs, user)
    return [targetOf(user)]
  },

  identity: (credential) => credential.accessKeyId,

  open(_inputs, state) {
    if (state.current === null) throw new RotationFailure('STATE_INVALID', 'not rotated yet')
    return state.previous === null
      ? { current: state.current }
      : { current: state.current, previous: state.previous }
  },

  async prepare(inputs, state, context) {
    return await asManager(inputs, context, async (keys, aws) => {
      const { prepared } = await look(inputs, state, { keys, aws, context })
      return prepared
    })
  },

  async rehearse(inputs, state, context) {
    return await asManager(inputs, context, async (keys, aws) => {
      const { prepared, listed, manager } = await look(inputs, state, { keys, aws, context })
      const isFull = listed.length >= KEYS_PER_USER
      return await rehearse(
        { ...prepared, listed, isFull, manager, userArn: inputs.userArn },
        keys,
        aws,
        context,
      )
    })
  },

  async apply(inputs, prepared, context) {
    const { current, previous, remove } = prepared
    return await asManager(inputs, context, async (keys, aws) => {
      if (loginOf(inputs).accessKeyId !== prepared.manager) await checkManager(aws, userOf(inputs), context)
      if (remove !== null) {
        if (remove === current) throw new RotationFailure('INTERNAL')
        await keys.delete(remove)
        await context.at?.('aws-iam: deleted')
      }
      // Opens the connection too, so that nothing is waited for between the look at the clock and the change.
      await keys.list()
      await context.at?.('aws-iam: about to make')
      try {
        const made = await keys.create()
        await context.at?.('aws-iam: made')
        return made
      } catch (error) {
        if (!(error instanceof NoRoom)) throw error
      }
      await context.at?.('aws-iam: no room')
      const listed = await keys.list()
      const ids = listed.map(({ id }) => id)
      if (ids.length < KEYS_PER_USER || (remove !== null && ids.includes(remove)))
        throw new RotationFailure('TARGET_THROTTLED', 'AWS has not taken note of a deleted key yet', {
          unchanged: true,
        })
      if (previous !== null && previous !== current && ids.includes(previous))
        throw new WriteDownFirst({ ...prepared, remove: previous })
      const [suspect, ...others] = ids.filter((id) => !prepared.seen.includes(id))
      if (inputs.keysOnlyByRekey && suspect !== undefined && others.length === 0)
        throw new WriteDownFirst({ ...prepared, remove: suspect })
      throw await noRoom(inputs, keys, listed, [current])
    })
  },

  candidate: () => null,

  async test(inputs, credential, context) {
    const user = userOf(inputs)
    const login = credentialsOf(credential, 'state')
    const owned = await Aws.as(login, regionOf(inputs, user), (aws) => belongsTo(aws, user, context))
    return owned ? 'works' : 'refused'
  },

  async recover(inputs, prepared, context, published) {
    return await asManager(inputs, context, async (keys, aws) => {
      if (loginOf(inputs).accessKeyId !== prepared.manager) await checkManager(aws, userOf(inputs), context)
      const { current, previous, known, leftover } = knownKeys(prepared, published)
      const listed = await keys.list()
      const unknown = listed.map(({ id }) => id).filter((id) => !known.has(id))
      // A key is deleted before another one is made: where there is another one, the list is late.
      const made = unknown.filter((id) => id !== leftover)
      const suspects = made.length > 0 ? made : unknown
      const [suspect] = suspects
      if (suspect === undefined) return 'not made'
      if (inputs.keysOnlyByRekey && suspects.length === 1)
        return { instead: { ...prepared, current, previous, remove: suspect } }
      return { suspects: await keys.describe(suspects, listed) }
    })
  },

  async remove(inputs, credential, context) {
    await asManager(inputs, context, async (keys, aws) => {
      await checkManager(aws, userOf(inputs), context)
      await keys.delete(credential.accessKeyId)
    })
  },

  async removeSuspect(inputs, prepared, id, context, published) {
    if (knownKeys(prepared, published).known.has(id))
      throw new RotationFailure(
        'INPUT_INVALID',
        `${id} was there before that rotation began, or is in the state: it is not what was made then, and was left alone`,
      )
    await asManager(inputs, context, async (keys, aws) => {
      await checkManager(aws, userOf(inputs), context)
      await keys.delete(id)
    })
  },
}

/** What there is before anything is sent, and what would be sent. @throws RotationFailure where that is nothing */
async function look(
  inputs: AwsIamInputs,
  state: RotatorState<AccessKey>,
  { keys, aws, context }: { keys: Keys; aws: Aws; context: RotatorContext },
) {
  const current = state.current?.accessKeyId ?? null
  const previous = state.previous?.accessKeyId ?? null
  const manager = await checkManager(aws, userOf(inputs), context)
  const listed = await keys.list()
  const ids = listed.map(({ id }) => id)
  if (ids.length >= KEYS_PER_USER && (previous === null || !ids.includes(previous)))
    throw await noRoom(inputs, keys, listed, [current])
  const known = [current, previous].filter((id) => id !== null)
  const seen = [...new Set([...ids, ...known])]
  const prepared = { manager: loginOf(inputs).accessKeyId, current, previous, seen, remove: null }
  return { prepared, listed, manager }
}

/**
 * The keys of whose making a lost answer cannot have told, and those of the state as it is now. What was to be deleted
 * and is neither was made by an earlier rotation whose answer was lost: a suspect, for as long as it is there.
 */
function knownKeys(prepared: PreparedKey, published?: RotatorState<AccessKey>) {
  const current = published?.current?.accessKeyId ?? prepared.current
  const previous = published?.previous?.accessKeyId ?? prepared.previous
  const known = new Set([...prepared.seen, current, previous])
  const leftover = known.has(prepared.remove) ? null : prepared.remove
  return { current, previous, known, leftover }
}

async function asManager<T>(
  inputs: AwsIamInputs,
  context: RotatorContext,
  work: (keys: Keys, aws: Aws) => Promise<T>,
): Promise<T> {
  const user = userOf(inputs)
  return await Aws.as(loginOf(inputs), regionOf(inputs, user), (aws) =>
    work(new Keys(aws, user, context), aws),
  )
}

/** The keys in the way, in words with which a person can decide. */
async function noRoom(
  inputs: AwsIamInputs,
  keys: Keys,
  listed: ListedKey[],
  ours: (string | null)[],
): Promise<RotationFailure> {
  const foreign = listed.map(({ id }) => id).filter((id) => !ours.includes(id))
  const described = await keys.describe(foreign, listed)
  return new RotationFailure(
    'KEY_LIMIT',
    `${inputs.userArn} has ${listed.length} access keys, which is all that AWS allows, and these are not known to be ours to delete: ` +
      `${described.join('; ')}. Delete one of them, or put it into the state as previous`,
    { unchanged: true },
  )
}
