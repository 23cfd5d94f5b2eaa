import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { processCommand, processIdentity } from '../../embedded/process-identity.ts'
import { endOrphan, launchServer, type ServerSpec } from '../../embedded/server-process.ts'
import { temporaryFolder } from './embedded-fixtures.ts'

function stubborn(folder: string): ServerSpec {
  const script = `process.on('SIGTERM', () => console.log('no')); console.log('up'); setInterval(() => {}, 1000)`
  return {
    name: 'Stubborn',
    file: process.execPath,
    args: ['--eval', script],
    env: {},
    pidFile: join(folder, 'pid'),
    logFile: join(folder, 'log'),
    ending: [{ signal: 'SIGTERM', patience: 200 }],
  }
}

async function untilLogged(folder: string, text: string): Promise<void> {
  while (!readFileSync(join(folder, 'log'), 'utf8').includes(text)) await sleep(10)
}

test('a server that does not heed the first signal is killed after its patience', async () => {
  const folder = temporaryFolder('stubborn')
  const server = await launchServer(stubborn(folder))
  await untilLogged(folder, 'up')
  expect(processIdentity(server.pid)).toBeDefined()
  expect(processCommand(server.pid)).toContain('--eval')
  await Promise.all([server.stop(), server.stop()])
  expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL', asked: true })
  expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('no')
  expect(processIdentity(server.pid)).toBeUndefined()
  expect(existsSync(join(folder, 'pid'))).toBe(false)
})

test('so is an orphan', async () => {
  const folder = temporaryFolder('orphan')
  const spec = stubborn(folder)
  const server = await launchServer(spec)
  await untilLogged(folder, 'up')
  const record = JSON.parse(readFileSync(spec.pidFile, 'utf8')) as object
  writeFileSync(
    spec.pidFile,
    JSON.stringify({ ...record, owner: { pid: process.pid, identity: 'an earlier one' } }),
  )
  await endOrphan('Stubborn', spec.pidFile, folder, spec.ending)
  expect(await server.exited).toMatchObject({ signal: 'SIGKILL', asked: false })
})

test('a program that is not there is named', async () => {
  const spec = { ...stubborn(temporaryFolder('absent')), file: '/no/such/program' }
  await expect(launchServer(spec)).rejects.toThrow('Stubborn cannot be started from /no/such/program: ENOENT')
})

test('the identity of a process is not that of another, nor of none', () => {
  const own = processIdentity(process.pid)
  expect(own).toBe(processIdentity(process.pid))
  expect(processIdentity(process.ppid)).toBeDefined()
  expect(processIdentity(process.ppid)).not.toBe(own)
  for (const nobody of [0, -1, 1.5, Number.NaN, 2 ** 30]) expect(processIdentity(nobody)).toBeUndefined()
})
