/**
 * The last lines of a test run: what failed and why, a line each, and `N passed, N failed`, for people and machines that
 * see nothing but the end; decides the exit code too.
 */
import { writeSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, TestModule, Vitest } from 'vitest/node'

/** Characters of a message: it may quote whole objects. */
const MESSAGE = 1_500

/** A test that was skipped did not pass: it counts as failed, and so does a file that did not load. */
export default class ClosingLine implements Reporter {
  private counts = { passed: 0, failed: 1 }
  private filtered = false
  private failures: string[] = []

  constructor() {
    // At exit, after everything else that prints; and even when the run never got as far as a result.
    process.once('exit', (code) => {
      const { passed } = this.counts
      const failed = this.counts.failed || (code === 0 ? 0 : 1)
      if (failed > 0) process.exitCode = 1
      for (const line of this.failures) writeSync(1, `failed: ${line}\n`)
      writeSync(1, `${passed} passed, ${failed} failed\n`)
    })
  }

  onInit(vitest: Vitest): void {
    // Whoever asks for tests by name (-t) means to leave the others out.
    this.filtered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly { message: string }[]): void {
    this.counts = { passed: 0, failed: 0 }
    for (const { message } of unhandledErrors) this.fail('an error that no test caught', message)
    for (const module of modules) {
      const { relativeModuleId: file } = module
      const suites = [module, ...module.children.allSuites()]
      for (const { message } of suites.flatMap((suite) => suite.errors())) this.fail(file, message)
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'passed') this.counts.passed++
        else if (state === 'failed' || !this.filtered)
          this.fail(`${file} > ${test.fullName}`, errors?.[0]?.message ?? state)
      }
    }
    if (this.counts.passed === 0 && this.counts.failed === 0) this.counts.failed = 1
  }

  private fail(where: string, message: string): void {
    this.counts.failed++
    const words = stripVTControlCharacters(message).replaceAll(/\s+/g, ' ')
    this.failures.push(`${where}: ${words.slice(0, MESSAGE)}`)
  }
}
