/** The last line of a test run, `N passed, N failed`, for people and machines that count; decides the exit code too. */
import { writeSync } from 'node:fs'
import type { Reporter, TestModule, Vitest } from 'vitest/node'

/** A test that was skipped did not pass: it counts as failed, and so does a file that did not load. */
export default class ClosingLine implements Reporter {
  private counts = { passed: 0, failed: 1 }
  private filtered = false

  constructor() {
    // At exit, after everything else that prints; and even when the run never got as far as a result.
    process.once('exit', (code) => {
      const { passed } = this.counts
      const failed = this.counts.failed || (code === 0 ? 0 : 1)
      if (failed > 0) process.exitCode = 1
      writeSync(1, `${passed} passed, ${failed} failed\n`)
    })
  }

  onInit(vitest: Vitest): void {
    // Whoever asks for tests by name (-t) means to leave the others out.
    this.filtered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.counts = { passed: 0, failed: unhandledErrors.length }
    for (const module of modules) {
      this.counts.failed += module.errors().length
      for (const suite of module.children.allSuites()) this.counts.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') this.counts.passed++
        else if (state === 'failed' || !this.filtered) this.counts.failed++
      }
    }
    if (this.counts.passed === 0 && this.counts.failed === 0) this.counts.failed = 1
  }
}
