/** How the demo speaks: chapters, what happens, the commands a person would type, and checks that must hold. */

/** A claim of the demo did not hold: the demo is over. */
export class BrokenClaim extends Error {
  override name = 'BrokenClaim'
}

export interface Teller {
  /** Begins a chapter. */
  chapter(title: string): void
  say(text: string): void
  /** A text as it is, such as a definition. */
  show(text: string): void
  /** A command as a person would type it. */
  command(line: string): void
  /** One line that a command printed. */
  printed(line: string): void
  /** Says that something holds, after it was checked. @throws BrokenClaim when it does not. */
  check(claim: string, holds: boolean, why?: string): void
  readonly checks: number
}

export function createTeller(
  output: { write(text: string): unknown; isTTY?: boolean },
  colours: boolean,
): Teller {
  const styled = (code: number, text: string) =>
    output.isTTY && colours ? `\u001b[${code}m${text}\u001b[0m` : text
  const line = (text: string) => void output.write(`${text}\n`)
  const started = Date.now()
  let chapters = 0
  let checks = 0
  return {
    get checks() {
      return checks
    },
    chapter: (title) => {
      const time = `${Math.round((Date.now() - started) / 1000)} s`
      line(`\n${styled(1, `${++chapters}. ${title}`)}  ${styled(2, time)}`)
    },
    say: (text) => line(`   ${text}`),
    show: (text) => {
      for (const shown of text.trimEnd().split('\n')) line(styled(36, `   | ${shown}`))
    },
    command: (text) => line(`   ${styled(33, `$ ${text}`)}`),
    printed: (text) => line(`     ${text}`),
    check: (claim, holds, why = '') => {
      if (!holds) throw new BrokenClaim(`this does not hold: ${claim}${why && ` (${why})`}`)
      checks += 1
      line(`   ${styled(32, 'ok')} ${claim}`)
    },
  }
}
