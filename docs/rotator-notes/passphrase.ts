/** What docs/rotators/passphrase.md says beside the schemas of the rotator. */
import { notesOnGenerated } from './generated.ts'
import type { RotatorNotes } from './notes.ts'

const common = notesOnGenerated('passphrase')

export const passphraseNotes: RotatorNotes = {
  ...common,
  example: [
    {
      environment: 'office/guests',
      about: 'The passphrase of a network for guests, for people to type:',
      yaml: `values:
  wireless:
    fn::rotate::passphrase:
      inputs:
        length: 5
        separator: ' '
        capitalize: true
`,
    },
  ],
  more: [
    {
      heading: 'How it is drawn',
      text: [
        'Each word is drawn from 7776, evenly and independently, by the random numbers of the operating system: 12.9 bits a word. Three words have 38 bits, the five ' +
          'of the default 64, seven 90; a dry run says it, and warns below 64. `separator` and `capitalize` add nothing to that, and take nothing from it: no word of the list ' +
          'begins another, so two different rows of words never make the same phrase.',
        'The words are the [large word list](https://www.eff.org/dice) of the Electronic Frontier Foundation, licensed ' +
          '[CC BY 3.0 US](https://creativecommons.org/licenses/by/3.0/us/). Four of them have a hyphen of their own (`drop-down`, `felt-tip`, `t-shirt`, `yo-yo`): do not take a ' +
          'phrase apart at its separator.',
      ],
    },
    ...common.more,
  ],
  failures: {
    ...common.failures,
    INPUT_INVALID:
      '`length` is not a number of words from 3 to 15, or `separator` is not one printable character. Saving the definition is refused for the same reason.',
  },
}
