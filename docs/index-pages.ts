/** docs/rotators/README.md and docs/logins/README.md: what there is, from the registries. */
import { findRotator, rotatorNames } from '../rotators/index.ts'
import { findLogin, loginNames } from '../rotators/logins/index.ts'
import { code, page, table } from './markdown.ts'

export function rotatorsPage(): string {
  return page('Rotators', [
    'What can be rotated. A call `fn::rotate::<name>` in a definition names the rotator; its page says what a rotation does, what to paste at the ' +
      'target, and what each input, output and failure code means. `rekey rotator ls` lists those of your server, `rekey rotator show <name>` their inputs.',
    table(
      ['rotator', 'rotates', 'valid at a time', 'grants at the target for'],
      rotatorNames().map((name) => {
        const { title, slots, permissions } = findRotator(name)!
        const grants =
          permissions.length === 0
            ? 'nobody: there is no target'
            : [...new Set(permissions.map(({ who }) => who))].join('; ')
        return [`[${name}](${name}.md)`, title, String(slots), grants]
      }),
    ),
    'A database in a network that no worker reaches is rotated through a connector: [aws-lambda](../connectors/aws-lambda.md).',
    `A login that a rotator takes comes from an [\`fn::open\` call](../logins/README.md). Complete environments to start from: [examples](../../examples/README.md).`,
  ])
}

export function loginsPage(): string {
  return page('Logins', [
    'How Rekey, or who opens an environment, comes by a login that lives for a short while. A call `fn::open::<name>` in a definition names it. ' +
      '`rekey provider ls` lists those of your server, `rekey provider show <name>` their inputs.',
    table(
      ['login', 'for', 'yields'],
      loginNames().map((name) => {
        const { title, outputs } = findLogin(name)!
        return [
          `[${name}](${name}.md)`,
          title,
          Object.keys(outputs.properties ?? {})
            .map(code)
            .join(', '),
        ]
      }),
    ),
    'What takes a login: [rotators](../rotators/README.md).',
  ])
}
