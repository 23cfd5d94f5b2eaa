/** What the person's shell says beside the settings: home, editor, colours. Reads the environment, touches no file. */
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface Surroundings {
  /** Folder for what the command line remembers of a person; may not exist yet. */
  configHome: string
  /** Command line of the person's editor. */
  editor: string
  /** False when the person asked for none. */
  colours: boolean
  /** All variables as they are, for a program that is run on the person's behalf. */
  environment: Record<string, string>
}

export function surroundings(env: Readonly<Record<string, string | undefined>> = process.env): Surroundings {
  const home = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config')
  const set = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return {
    configHome: join(home, 'rekey'),
    editor: env['VISUAL'] || env['EDITOR'] || 'vi',
    colours: !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    environment: Object.fromEntries(set),
  }
}
