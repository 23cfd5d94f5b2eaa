import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/shared-servers.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    // Temporal's native module does not survive worker threads.
    pool: 'forks',
    // A file that runs a Temporal worker takes 300 MB.
    maxWorkers: Math.min(4, availableParallelism()),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    allowOnly: false,
  },
})
