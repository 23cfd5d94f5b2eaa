/** What the pages of the rotators without a target have in common: what is promised where nobody can be asked. */
import type { RotatorNotes } from './notes.ts'

/** @param noun what one value is called: `password` */
export function notesOnGenerated(noun: string): Pick<RotatorNotes, 'how' | 'setup'> & {
  more: NonNullable<RotatorNotes['more']>
  failures: NonNullable<RotatorNotes['failures']>
} {
  return {
    how: [
      `Rekey makes a ${noun} up and publishes it as \`current\`; the one before is \`previous\`. Nothing outside Rekey is told, asked or changed, so nothing has ` +
        'to be set up, and no target is claimed.',
      'Everything else is as for any rotation: the new value is written down, sealed, before it is published, so that a rotation that is cut off goes on with that ' +
        'value and never makes a second one; all paths of an event get one revision; minimum ages, dry runs, schedules, undo and forget hold.',
      `**No log-in comes before publication.** Elsewhere a credential is published only after it has logged in at its target. A ${noun} has no target, so Rekey ` +
        'does not know whether anything accepts it: that is up to whoever reads it.',
    ],
    setup: [],
    more: [
      {
        heading: 'Who has to know the new value',
        text: [
          'Let everything that makes or checks the value read it from the environment, at its start or when it reloads. For as long as some read `current` from ' +
            'before the rotation and some from after it, whoever checks accepts both: `current` and `previous`. `previous` is there from the second ' +
            'rotation on.',
          `A ${noun} that has to be set somewhere else, at a database, a service, an account, is better rotated by the rotator for that: it sets the value, logs in with it, and ` +
            'keeps the one before until nobody needs it. Where there is none, set the value by hand after each rotation, and do not put the path on a schedule.',
        ],
      },
      {
        heading: 'What cannot be in doubt',
        text: [
          'Nothing is sent, so no rotation is ever `unknown`, and there is nothing to adopt or to discard. A value that could not be published, because the call was edited ' +
            'meanwhile (`CONFLICT`), was given to nobody: rotate again.',
          'A value that exists already is taken over as `state.current`, with `fn::secret` around it. It need not keep the rules: they are for new values. A cloned ' +
            'environment starts without values; its first rotation makes its own.',
        ],
      },
    ],
    failures: {
      INPUT_INVALID: `No ${noun} can be made by these inputs; the message says which of them. Saving the definition is refused for the same reason.`,
      STATE_INVALID: 'The state is no text, or there is no previous value to go back to.',
      CONFLICT: 'The call was edited while it was rotated; the new value was given to nobody. Rotate again.',
    },
  }
}
