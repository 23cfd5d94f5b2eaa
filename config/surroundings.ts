/** What the person's shell says beside the settings: home, editor, colours. Reads the environment, touches no file. */
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface Surroundings {
  /** Folder for what the command line remembers of a person; may not exist yet. */
  configHome: string
  /** Command line of the person's editor. */
  editor: string
  /** On a terminal only, unless the person asked for them everywhere or nowhere. */
  colours: 'always' | 'never' | 'terminal'
  /** All variables as they are, for a program that is run on the person's behalf. */
  environment: Record<string, string>
}

export function surroundings(env: Readonly<Record<string, string | undefined>> = process.env): Surroundings {
  const home = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config')
  const set = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return {
    configHome: join(home, 'rekey'),
    editor: env['VISUAL'] || env['EDITOR'] || 'vi',
    colours: coloursIn(env),
    environment: Object.fromEntries(set),
  }
}

/** FORCE_COLOR comes before NO_COLOR, as in Node.js itself. */
function coloursIn(env: Readonly<Record<string, string | undefined>>): Surroundings['colours'] {
  const forced = env['FORCE_COLOR']
  if (forced !== undefined && forced !== '') return /^(0|false)$/.test(forced) ? 'never' : 'always'
  return env['NO_COLOR'] || env['TERM'] === 'dumb' ? 'never' : 'terminal'
}
