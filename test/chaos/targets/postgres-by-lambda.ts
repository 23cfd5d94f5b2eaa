/** PostgreSQL users behind our connector function: the wire is between the function and the server. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startAwsFront } from '../../support/aws-front.ts'
import { builtConnector } from '../../support/lambda/connector.ts'
import { ALL_ACTIONS, startLambda } from '../../support/lambda/endpoint.ts'
import { startPostgresTargets } from './postgres.ts'
import type { ChaosTarget, TargetKind } from './target.ts'

const NAME = 'postgres-by-lambda'

export const postgresByLambdaKind: TargetKind = {
  name: NAME,
  points: /^aws-lambda: /,
  async start(ground) {
    const folder = join(ground.folder, NAME)
    // Passable for the user that PostgreSQL runs as.
    await mkdir(folder, { mode: 0o711 })
    const server = await startPostgresTargets({ ...ground, folder }, 'lambda')
    const lambda = await startLambda()
    const front = await startAwsFront(lambda)
    const called = lambda.make({ handler: await builtConnector(), timeout: 30_000, concurrency: 20 })
    const login = lambda.loginFor(ALL_ACTIONS)
    const connector = `connector:
            awsLambda:
              login:
                accessKeyId: ${login.accessKeyId}
                secretAccessKey: { fn::secret: '${login.secretAccessKey}' }
              lambdaArn: ${called.arn}
          `
    return {
      env: { AWS_ENDPOINT_URL_LAMBDA: front.endpoint },
      async make(alone): Promise<ChaosTarget> {
        const target = await server.make(alone)
        const secrets = [...target.secrets, login.secretAccessKey]
        const yaml = (key: string) => target.yaml(key).replace(/(?<= {8}database:\n {10})/, connector)
        return { ...target, kind: NAME, secrets, yaml }
      },
      async stop() {
        await front.close()
        await lambda.close()
        await server.stop()
      },
    }
  },
}
