/**
 * The pages that the code itself knows best: settings, failure codes, commands, metrics, and one page per rotator and
 * login. `make docs` writes them; test/docs.test.ts fails when they are behind. Never edit those pages by hand.
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { VARIABLES } from '../config/variables.ts'
import { FAILURES } from '../model/failures.ts'
import { findRotator, rotatorNames } from '../rotators/index.ts'
import { findLogin, loginNames } from '../rotators/logins/index.ts'
import { commandLinePage } from './command-line-page.ts'
import { ACTORS } from './failure-tables.ts'
import { loginsPage, rotatorsPage } from './index-pages.ts'
import { loginPage } from './login-page.ts'
import { code, page, table } from './markdown.ts'
import { metricsPage } from './metrics-page.ts'
import { rotatorPage } from './rotator-page.ts'

const ROOT = new URL('../', import.meta.url)

/** Path from the root → text, formatted as `make check` wants it. */
export async function generatedPages(): Promise<Map<string, string>> {
  const pages = new Map([
    ['docs/settings.md', settingsPage()],
    ['docs/failures.md', failuresPage()],
    ['docs/cli.md', page('The command line', commandLinePage())],
    ['docs/operations/metrics.md', metricsPage()],
    ['docs/rotators/README.md', rotatorsPage()],
    ...rotatorNames().map((name) => [`docs/rotators/${name}.md`, rotatorPage(findRotator(name)!)] as const),
    ['docs/logins/README.md', loginsPage()],
    ...loginNames().map((name) => [`docs/logins/${name}.md`, loginPage(findLogin(name)!)] as const),
  ])
  for (const [path, text] of pages) {
    const file = fileURLToPath(new URL(path, ROOT))
    pages.set(path, await format(text, { ...(await resolveConfig(file)), filepath: file }))
  }
  return pages
}

function settingsPage(): string {
  const rows = Object.values(VARIABLES).map(({ name, default: fallback, about, kind }) => [
    code(name),
    fallback === undefined ? '' : code(fallback),
    about,
    kind.expects,
  ])
  return page('Settings', [
    'Every setting is an environment variable. An unknown `REKEY_` variable or a malformed value stops the program ' +
      'with one line that names it. `rekey config` prints all settings with their values; secrets are masked.',
    table(['variable', 'default', 'meaning', 'must be'], rows),
    'A duration is a whole number followed by `s`, `m`, `h` or `d`.',
  ])
}

function failuresPage(): string {
  const rows = Object.entries(FAILURES).map(([name, { retry, later, actor, words }]) => [
    code(name),
    retry ? 'yes' : 'no',
    later ? 'yes' : 'no',
    ACTORS[actor],
    words,
  ])
  return page('Failure codes', [
    'A path that could not be rotated says so in one of these codes: in the answer of the API (`errorCode`), in the ' +
      'history, on the command line and in Temporal. The message beside it names the input, user or place at fault. ' +
      'What may pass by itself is tried again within the same rotation, for `REKEY_TARGET_BUDGET`. After a run of a ' +
      'schedule, what may be gone or mended by then is tried again later as well, after the times of `REKEY_RETRY_AFTER`.',
    table(['code', 'tried again', 'and later', 'who has to act', 'meaning'], rows),
  ])
}

if (import.meta.main)
  for (const [path, text] of await generatedPages()) await writeFile(new URL(path, ROOT), text)
