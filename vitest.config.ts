import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** By what they took, side by side; where two name a file, the first counts. */
const LONGEST = [
  '/test/workflows/retries',
  '/test/server/rehearsals',
  '/test/workflows/by-hand',
  '/test/workflows/lost-answers',
  '/test/workflows/sweep',
  '/test/chaos/fire',
  '/test/workflows/schedules',
  '/test/workflows/hostile-targets',
  '/test/rotators/connectors/postgres',
  '/test/workflows/aws-iam',
  '/test/cli/programs',
  '/test/embedded/dev',
  '/test/workflows/',
  '/test/rotators/postgres.test',
  '/test/rotators/mysql.test',
  '/test/rotators/connectors/mysql',
  '/test/cli/completion',
  '/test/worker/',
  '/test/examples/',
  '/test/packaging',
  '/test/docs/getting-started',
  '/test/cli/unsettled',
  '/test/rotators/aws-iam.test',
  '/test/model/due-times-worldwide',
  '/test/cli/r',
  '/test/model/cron',
  '/test/embedded/',
  '/test/chaos/',
  '/test/rotators/',
  '/test/language/properties',
  '/test/canary',
]

/** What takes longest begins first, so that nothing is left to wait for at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((folder) => moduleId.includes(folder))
      return at < 0 ? LONGEST.length : at
    }
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/shared-servers.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    // Temporal's native module does not survive worker threads.
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // Most of them wait most of the time. A file that runs a Temporal worker takes 300 MB.
    maxWorkers: Math.min(6, 3 * availableParallelism()),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    allowOnly: false,
  },
})
