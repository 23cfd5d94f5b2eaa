/** Rotations over the whole line by way of a connector function: what is published, what is warned of, how long a lost answer counts. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fault } from '../support/lambda/endpoint.ts'
import { connectorTarget, stopLambda, type ConnectorKind } from '../support/lambda/target.ts'
import { startLine, TEST_LIMITS, type Line } from '../support/line.ts'

let line: Line

beforeAll(async () => {
  line = await startLine()
})
afterAll(async () => {
  await line?.close()
  await stopLambda()
})

/** Milliseconds until nothing of the newest rotation can land any more. */
async function landsFor(environmentId: string): Promise<number> {
  const row = await line.store.db
    .selectFrom('rotations')
    .select(['sent_until'])
    .where('environment_id', '=', environmentId)
    .orderBy('created_at', 'desc')
    .executeTakeFirstOrThrow()
  return row.sent_until!.getTime() - Date.now()
}

test.for<[ConnectorKind, RegExp, number, number]>([
  ['ours', /^$/, 0, 3 * TEST_LIMITS.changeTimeout],
  ['existing', /without TLS/, 10 * 60_000, 10 * 60_000 + 10_000 + 3 * TEST_LIMITS.changeTimeout],
])(
  'through %s: rotated twice, the second time after an answer was lost',
  async ([kind, warned, least, most]) => {
    const target = await line.target()
    const { called, login } = await connectorTarget(kind, { timeout: 10_000 })
    const [one, two] = target.rotated
    const environment = await line.environment(`values:
  db:
    fn::rotate::postgres:
      inputs:
        database:
          connector:
            awsLambda:
              login:
                accessKeyId: ${login.accessKeyId}
                secretAccessKey: { fn::secret: '${login.secretAccessKey}' }
              lambdaArn: ${called.arn}
          host: ${target.host}
          port: ${target.port}
          database: ${target.database}
          managingUser:
            username: ${target.managing.username}
            password: { fn::secret: '${target.managing.password}' }
        rotateUsers: { username1: ${one.username}, username2: ${two.username} }
`)
    let lost = false
    await line.withWorker(async () => {
      const first = await line.rotate(environment)
      expect(first.rotations).toMatchObject([{ outcome: 'succeeded' }])
      expect(first.rotations[0]!.warnings.join()).toMatch(warned)
      // Answered, so the next one waits for nothing.
      expect(await landsFor(environment.id)).toBeLessThanOrEqual(0)
      called.answer = (event) => {
        const { username } = (event.rotateUser ?? {}) as { username?: string }
        const isChange = event.action === 'apply' || username?.startsWith(target.database)
        if (!isChange || lost) return undefined
        lost = true
        return fault(500, 'ServiceException', 'x')
      }
      const second = await line.rotate(environment)
      expect(lost).toBe(true)
      expect(second.rotations).toMatchObject([{ outcome: 'succeeded' }])
      const left = await landsFor(environment.id)
      expect(left).toBeGreaterThan(least - 15_000)
      expect(left).toBeLessThanOrEqual(most)
    })
    const state = await line.state(environment, 'db')
    for (const credential of [state.current!, state.previous!])
      expect(await target.canLogIn(credential)).toBe(true)
    for (const secret of [login.secretAccessKey, target.managing.password, state.current!.password])
      expect(line.logged.join('\n')).not.toContain(secret)
  },
)
