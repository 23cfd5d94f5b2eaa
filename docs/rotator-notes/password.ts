/** What docs/rotators/password.md says beside the schemas of the rotator. */
import { notesOnGenerated } from './generated.ts'
import type { RotatorNotes } from './notes.ts'

const common = notesOnGenerated('password')

export const passwordNotes: RotatorNotes = {
  ...common,
  example: [
    {
      environment: 'shop/cookies',
      about: 'The secret with which a web application signs its cookies:',
      yaml: `values:
  signing:
    fn::rotate::password:
      inputs:
        length: 40
        special: false
        minNumeric: 4
  environmentVariables:
    COOKIE_SECRET: \${signing.current}
`,
    },
  ],
  more: [
    {
      heading: 'How it is drawn',
      text: [
        'Every text that the inputs allow is equally likely. The allowed texts are counted, one number below that count is drawn from the random numbers of the ' +
          'operating system (numbers that are too large are drawn again, none is folded back), and the text with that number is the password. So a minimum of a kind ' +
          'puts no kind at a fixed place and favours no text. With the defaults there are 83^16 passwords: 102 bits. A dry run says how many there are with ' +
          'other inputs, and warns below 64 bits.',
        'A character counts for one kind only. Letters and digits in `overrideSpecial` stay letters and digits where those are used, and a character that stands there twice ' +
          'counts once.',
        'The special characters of the default do not survive everywhere: a password with `@`, `:`, `/`, `%` or `?` has to be encoded in a URL, and `$`, `&` or `!` mean ' +
          'something to a shell. `special: false` and a greater `length` are as strong: 18 letters and digits have more than 16 characters of all kinds.',
      ],
    },
    ...common.more,
  ],
  failures: {
    ...common.failures,
    INPUT_INVALID:
      'No password can be made by these inputs: the minimums add up to more than `length`, a kind with a minimum is switched off, all kinds are, only one ' +
      'password is possible, or `overrideSpecial` has characters that cannot be printed. The message says which. Saving the definition is refused for the same reason.',
  },
}
