import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const LONGEST = [
  '/test/chaos/fire',
  '/test/embedded/dev',
  '/test/cli/programs',
  '/test/workflows/',
  '/test/worker/',
  '/test/language/properties',
  '/test/chaos/',
  '/test/embedded/',
  '/test/cli/r',
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
