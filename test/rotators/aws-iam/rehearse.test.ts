/** What the dry run of `aws-iam` finds out on moto; the policy simulation, which moto lacks, is answered in front of it. */
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { awsIam } from '../../../rotators/aws-iam.ts'
import type { AccessKey, AwsIamInputs } from '../../../rotators/aws-iam/schema.ts'
import type { RotatorState } from '../../../rotators/rotator.ts'
import { awsTarget, type AwsTarget } from '../../support/aws.ts'
import { failureOf, limits, NOTHING_YET } from '../contract/bench.ts'

let target: AwsTarget
let inputs: AwsIamInputs
let servers: Server[] = []

beforeEach(async () => {
  target = await awsTarget()
  inputs = target.inputs
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  await target.dispose()
})

const rehearse = (state: RotatorState<AccessKey> = NOTHING_YET, of = inputs) =>
  awsIam.rehearse!(of, state, limits({ sendBy: 0 }))

/** The same user by way of an AWS that has the policy simulation. */
async function simulating(
  decide: (action: string) => { decision: string; missing?: string } | 'denied' | 'hangs',
): Promise<{ inputs: AwsIamInputs; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((incoming, outgoing) => {
    void buffer(incoming).then((body) => {
      const form = new URLSearchParams(body.toString())
      if (form.get('Action') !== 'SimulatePrincipalPolicy') {
        const { method, url: path, headers } = incoming
        const onward = request({ ...target.address, method, path, headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(outgoing)
        })
        onward.end(body)
        return
      }
      asked.push(form.get('PolicySourceArn') ?? '', form.get('ResourceArns.member.1') ?? '')
      const actions = [...form].flatMap(([key, value]) => (key.startsWith('ActionNames.') ? [value] : []))
      const results = actions.map((action) => ({ action, answer: decide(action) }))
      if (results.some(({ answer }) => answer === 'hangs')) return
      if (results.some(({ answer }) => answer === 'denied')) {
        outgoing.writeHead(403, { 'content-type': 'text/xml' })
        outgoing.end(
          '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>',
        )
        return
      }
      const members = results.map(({ action, answer }) => {
        const { decision, missing } = answer as { decision: string; missing?: string }
        const context = missing === undefined ? '' : `<member>${missing}</member>`
        return `<member><EvalActionName>${action}</EvalActionName><EvalDecision>${decision}</EvalDecision><MissingContextValues>${context}</MissingContextValues></member>`
      })
      outgoing.writeHead(200, { 'content-type': 'text/xml' })
      outgoing.end(
        `<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>` +
          `<IsTruncated>false</IsTruncated><EvaluationResults>${members.join('')}</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>`,
      )
    })
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  return { inputs: target.via(address), asked }
}

test('room for another key; then the previous one would be deleted, and is named', async () => {
  expect(await rehearse()).toEqual({ writes: 'a new access key', first: [], warnings: [] })
  const [previous, current] = [await target.makeKey(), await target.makeKey()]
  const told = await rehearse({ current, previous })
  expect(told).toEqual({
    writes: 'a new access key',
    first: [expect.stringContaining(`delete the previous access key ${previous.accessKeyId} (made 20`)],
    warnings: [],
  })
  expect((await target.keys()).toSorted()).toEqual([previous.accessKeyId, current.accessKeyId].toSorted())
})

test("somebody else's key is named with age and last use: in the way, or in the way of the next", async () => {
  const foreign = await target.makeKey()
  const { warnings, first } = await rehearse()
  expect(first).toEqual([])
  expect(warnings).toEqual([
    expect.stringMatching(`${foreign.accessKeyId} \\(made 20\\S+, .*us.*\\).*KEY_LIMIT`),
  ])
  const current = await target.makeKey()
  const failure = await failureOf(rehearse({ current, previous: null }), 'KEY_LIMIT', [
    foreign.secretAccessKey,
    current.secretAccessKey,
  ])
  expect(failure.message).toContain(foreign.accessKeyId)
  expect(await target.keys()).toHaveLength(2)
})

test('what the simulation denies would fail; what it cannot be sure of, or is needed later only, is a warning', async () => {
  const allowed = await simulating(() => ({ decision: 'allowed' }))
  expect(await rehearse(NOTHING_YET, allowed.inputs)).toMatchObject({ warnings: [] })
  expect(allowed.asked).toEqual([expect.stringMatching(/^arn:aws:iam::\d{12}:user\/manager/), inputs.userArn])

  const denied = await simulating(() => ({ decision: 'implicitDeny' }))
  const failure = await failureOf(rehearse(NOTHING_YET, denied.inputs), 'TARGET_DENIED')
  expect(failure.message).toContain('iam:CreateAccessKey')

  const unsure = await simulating(() => ({ decision: 'explicitDeny', missing: 'aws:SourceIp' }))
  expect((await rehearse(NOTHING_YET, unsure.inputs)).warnings.join()).toMatch(/CreateAccessKey.*conditions/)

  const later = await simulating((action) => ({
    decision: action === 'iam:DeleteAccessKey' ? 'implicitDeny' : 'allowed',
  }))
  expect((await rehearse(NOTHING_YET, later.inputs)).warnings).toEqual([
    expect.stringMatching(/DeleteAccessKey.*later rotations need it/),
  ])
  expect(await target.keys()).toEqual([])
})

test.for(['denied', 'hangs'] as const)('a simulation that is %s is left out without a word', async (way) => {
  const { inputs: of, asked } = await simulating(() => way)
  const told = await awsIam.rehearse!(of, NOTHING_YET, limits({ sendBy: 0, timeout: 1_500 }))
  expect(told).toEqual({ writes: 'a new access key', first: [], warnings: [] })
  expect(asked.length).toBeGreaterThan(0)
})
