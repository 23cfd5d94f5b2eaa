/** `make` runs this before anything that needs Temporal: gets the dev server's program, starts nothing. */
import { config } from '../config/index.ts'
import { findTemporalCli } from './temporal-cli.ts'

try {
  await findTemporalCli({ cli: config().temporalCli, onProgress: (line) => console.error(line) })
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
