/** Our connector function as one file of JavaScript in one small zip: dist/connector/rekey-connector.zip. Run by hand: `make connector`. */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { zip } from './zip.ts'

/** What Lambda loads: its setting `Handler` is `index.handler`. */
export const ENTRY = 'index.mjs'

/** The function as one module that needs nothing but Node.js. */
export async function bundleConnector(): Promise<string> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('handler.ts', import.meta.url)),
    platform: 'node',
    // An optional part of the driver that nobody installs; it is asked for only where somebody wants it.
    external: ['pg-native'],
    logLevel: 'warn',
  })
  try {
    const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false })
    if (output.length !== 1) throw new Error('the connector function is to be one file')
    return output[0].code
  } finally {
    await bundle.close()
  }
}

export async function zipConnector(): Promise<Buffer> {
  return zip([{ name: ENTRY, data: Buffer.from(await bundleConnector()) }])
}

if (import.meta.main) {
  const folder = new URL('../dist/connector/', import.meta.url)
  await mkdir(folder, { recursive: true })
  const archive = await zipConnector()
  const file = fileURLToPath(new URL('rekey-connector.zip', folder))
  await writeFile(file, archive)
  const digest = createHash('sha256').update(archive)
  process.stdout.write(`${file}\n${Math.ceil(archive.length / 1024)} KiB, sha256 ${digest.digest('hex')}\n`)
}
