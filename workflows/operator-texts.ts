/** What people read in the Temporal UI beside a run or a schedule. Names, ids and codes: never words of a failure, never a secret. */

/** Temporal refuses summaries of more than 400 bytes as it encodes them. */
const SUMMARY_BYTES = 250

/** A summary that Temporal takes, whatever length the names in it have. */
export function oneLine(text: string): string {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= SUMMARY_BYTES) return text
  // A character that is cut in two at the end becomes one replacement character.
  return `${new TextDecoder().decode(bytes.subarray(0, SUMMARY_BYTES)).replace(/\uFFFD+$/, '')}…`
}

/** A name as code in Markdown, whatever characters it has. */
export function asCode(name: string): string {
  return `\`${name.replaceAll('`', "'").replaceAll(/\s+/g, ' ')}\``
}

export interface Described {
  /** `<organization>/<project>/<environment>`. */
  environmentName: string
  environmentId: string
}

/** For whoever starts a run: summary, details and memo. `why` is a few words without a secret. */
export function runTexts({ environmentName, environmentId }: Described, why: string) {
  return {
    staticSummary: oneLine(`${environmentName} · ${why}`),
    staticDetails: [
      `Rotates the credentials of ${asCode(environmentName)} and publishes them as a new revision.`,
      '',
      `- What failed, in words: ${asCode(`rekey env history ${environmentName} <event>`)}`,
      `- Rotate again while this runs: signal ${asCode('rotateNow')}, without input`,
      '- Cancelling starts no further path; what is under way ends, and what succeeded is published.',
    ].join('\n'),
    memo: { environment: environmentName, environmentId },
  }
}

/** The note of a schedule: what it is a copy of, and where it is changed for good. */
export function scheduleNote(environmentName: string, due: string, paused: boolean): string {
  const command = paused ? 'resume' : 'pause'
  return (
    `${paused ? 'Paused in Rekey' : 'Written by Rekey'}: ${due}. ` +
    `Changes made here do not last and do not hold back a due time; ` +
    `to ${command}: rekey env schedule ${command} ${environmentName}`
  )
}
