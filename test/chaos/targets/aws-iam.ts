/** IAM users to rotate keys of, on moto: each behind a wire of its own, some of them used by others as well. */
import { randomUUID } from 'node:crypto'
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  IAMClient,
  ListAccessKeysCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { AccessKey } from '../../../rotators/aws-iam/schema.ts'
import { startAwsFront } from '../../support/aws-front.ts'
import { startMoto, type SharedMoto } from '../../support/moto.ts'
import { startWire } from '../wire.ts'
import {
  now,
  type ChaosTarget,
  type Conversation,
  type Ground,
  type Seen,
  type Somebody,
  type TargetKind,
} from './target.ts'

const ACTIONS = ['iam:ListAccessKeys', 'iam:CreateAccessKey', 'iam:DeleteAccessKey']

interface Cloud {
  moto: SharedMoto
  iam: IAMClient
  regionAt(address: { host: string; port: number }): string
}

export const awsIamKind: TargetKind = {
  name: 'aws-iam',
  async start(ground) {
    const moto = await startMoto(ground.folder, ground.signal)
    const front = await startAwsFront(moto)
    const { endpoint, admin } = moto
    const iam = new IAMClient({ endpoint, region: 'us-east-1', credentials: admin })
    let count = 0
    return {
      env: {
        AWS_ENDPOINT_URL: front.endpoint,
        AWS_ACCESS_KEY_ID: 'AKIAOFTHEWORKERITSELF',
        AWS_SECRET_ACCESS_KEY: 'of-the-worker-itself',
        AWS_REGION: 'xx-worker-1',
      },
      make: (alone = false) => {
        count += 1
        const shared = !alone && count % 2 === 0
        return makeTarget(ground, { moto, iam, regionAt: front.regionAt }, `Fire${count}`, shared)
      },
      stop: async () => {
        iam.destroy()
        await front.close()
        await moto.stop()
      },
    }
  },
}

/** @param shared others make keys for this user, so that what an answer was lost of cannot be told from theirs */
async function makeTarget(
  ground: Ground,
  { moto, iam, regionAt }: Cloud,
  name: string,
  shared: boolean,
): Promise<ChaosTarget> {
  const { User: user } = await iam.send(new CreateUserCommand({ UserName: name, Path: '/fire/' }))
  const manager = `${name}-manager`
  await iam.send(new CreateUserCommand({ UserName: manager }))
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ACTIONS, Resource: '*' }],
  })
  await iam.send(new PutUserPolicyCommand({ UserName: manager, PolicyName: 'may', PolicyDocument }))
  const make = async (UserName: string): Promise<AccessKey> => {
    const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName }))
    return { accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! }
  }
  const list = async (UserName: string) => {
    const { AccessKeyMetadata } = await iam.send(new ListAccessKeysCommand({ UserName }))
    return (AccessKeyMetadata ?? []).map(({ AccessKeyId }) => AccessKeyId!)
  }
  const remove = (AccessKeyId: string) =>
    iam.send(new DeleteAccessKeyCommand({ UserName: name, AccessKeyId })).catch((error: Error) => {
      if (error.name !== 'NoSuchEntityException') throw error
    })
  const login = await make(manager)
  const wire = await startWire({
    target: moto,
    converse: () => converse(ground.seen, name),
    struck: (fault) => ground.struck(fault.name),
  })
  const region = regionAt(wire)
  const arn = user!.Arn!
  const foreign = new Set<string>()

  return {
    kind: 'aws-iam',
    name,
    claims: [`arn:aws:iam::${arn.split(':')[4]}:user/${name.toLowerCase()}`],
    wire,
    handedOver: null,
    yaml: (key) => `  ${key}_login:
    fn::open::aws-login:
      static:
        accessKeyId: ${login.accessKeyId}
        secretAccessKey: { fn::secret: '${login.secretAccessKey}' }
  ${key}:
    fn::rotate::aws-iam:
      inputs:
        login: \${${key}_login}
        region: ${region}
        userArn: ${arn}
        keysOnlyByRekey: ${!shared}
`,
    identity: (credential) => (credential as AccessKey).accessKeyId,
    works: (credential) => logsIn(moto, arn, credential as AccessKey),
    holdings: async () =>
      (await list(name)).map((id) => ({
        identity: id,
        foreign: foreign.has(id),
        is: (credential) => (credential as Partial<AccessKey> | null)?.accessKeyId === id,
      })),
    says: (seen, { prepared, credential }) => {
      const { remove: wanted, manager: known } = (prepared ?? {}) as {
        remove?: string | null
        manager?: string
      }
      if (seen.what === 'make') return known !== undefined
      return wanted === seen.identity || (credential as AccessKey | null)?.accessKeyId === seen.identity
    },
    bystanders: async () =>
      JSON.stringify([await list(manager), (await list(name)).filter((id) => foreign.has(id))]),
    secrets: [login.secretAccessKey],
    secretsOf: (credential) => [(credential as AccessKey).secretAccessKey],
    revokeOthers: async (published) => {
      for (const id of await list(name)) if (!published.includes(id)) await remove(id)
    },
    ...(shared ? { somebody: somebody() } : {}),
  }

  function somebody(): Somebody {
    const leftBehind: Somebody['leftBehind'] = async (named, published) => {
      const ids = [...named.matchAll(/\b(\w{16,24}) \(/g)].map((match) => match[1]!)
      const present = await list(name)
      return ids.filter((id) => present.includes(id) && !published.includes(id) && !foreign.has(id))
    }
    const leave = async () => {
      for (const id of foreign) await remove(id)
      foreign.clear()
    }
    return {
      async act() {
        if (foreign.size > 0) {
          await leave()
          return 'key of somebody else removed'
        }
        try {
          foreign.add((await make(name)).accessKeyId)
          return 'key of somebody else made'
        } catch (error) {
          if ((error as Error).name === 'LimitExceededException') return undefined
          throw error
        }
      },
      leftBehind,
      async settle(named, published) {
        const gone = await leftBehind(named, published)
        for (const id of gone) await remove(id)
        return gone.length > 0
      },
      leave,
    }
  }
}

function converse(log: Seen[], target: string): Conversation {
  let asked: Seen | undefined
  let answer = ''
  return {
    sent(chunk) {
      const text = chunk.toString('latin1')
      const action = /\bAction=(\w+)/.exec(text)?.[1]
      if (action === undefined) return undefined
      answer = ''
      asked = undefined
      const head = { target, at: now(), deliveredAt: null, value: null, effectiveAt: null }
      const throttled = { throttled: throttledAnswer() }
      if (action === 'GetCallerIdentity') {
        asked = { ...head, what: 'login', identity: /Credential=([^/]+)\//.exec(text)?.[1] ?? null }
        return { moments: [], ...throttled }
      }
      if (action !== 'CreateAccessKey' && action !== 'DeleteAccessKey') return { moments: [], ...throttled }
      const identity = /AccessKeyId=(\w+)/.exec(text)?.[1] ?? null
      const seen: Seen = { ...head, what: action === 'CreateAccessKey' ? 'make' : 'remove', identity }
      log.push((asked = seen))
      return {
        moments: ['change', 'commit'],
        ...throttled,
        delivered: () => (seen.deliveredAt = now()),
      }
    },
    answered(chunk) {
      if (!asked) return
      answer += chunk.toString('latin1')
      if (!/^HTTP\/1\.[01] 200/.test(answer) || !/<\/\w+Response>/.test(answer)) return
      asked.effectiveAt = now()
      if (asked.what === 'make') asked.identity = /<AccessKeyId>(\w+)</.exec(answer)?.[1] ?? null
      if (asked.what === 'login') log.push({ ...asked, deliveredAt: asked.at })
      asked = undefined
    },
  }
}

function throttledAnswer(): Buffer {
  const body = `<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`
  return Buffer.from(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: text/xml\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  )
}

async function logsIn(
  { endpoint }: SharedMoto,
  arn: string,
  { accessKeyId, secretAccessKey }: AccessKey,
): Promise<boolean> {
  const sts = new STSClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } })
  try {
    return (await sts.send(new GetCallerIdentityCommand({}))).Arn === arn
  } catch (error) {
    if (/^(InvalidClientTokenId|SignatureDoesNotMatch)$/.test((error as Error).name)) return false
    throw error
  } finally {
    sts.destroy()
  }
}
