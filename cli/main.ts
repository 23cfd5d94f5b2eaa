#!/usr/bin/env node
/** The program `rekey`: this process's streams and signals around one command line. */
import { readFileSync } from 'node:fs'
import { createContext } from './context.ts'
import { runCli } from './run-cli.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const stopping = new AbortController()
/** Signals in so short a time (ms) that the person does not want to wait for a clean end. */
const IMPATIENT = { signals: 3, within: 2_000 }
const received: number[] = []
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.on(signal, () => {
    received.push(Date.now())
    const last = received.slice(-IMPATIENT.signals)
    if (last.length === IMPATIENT.signals && last.at(-1)! - last[0]! < IMPATIENT.within) process.exit(code)
    stopping.abort(signal)
  })
// The reader of a pipe may leave early (`rekey env ls | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const terminal = { input: process.stdin, output: process.stdout, errors: process.stderr }
process.exitCode = await runCli(process.argv.slice(2), createContext(terminal, stopping.signal), version)
