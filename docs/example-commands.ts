/** What to type to save, rotate, schedule and use the definitions of an example. */
import type { Definition } from './rotator-notes/notes.ts'

/** One command per line; the last definition is the one that applications use. */
export function commandsFor(example: Definition[]): string {
  const used = example.at(-1)!
  const isRotated = used.yaml.includes('fn::rotate::')
  return [
    ...example.map(({ environment }) => `rekey env init ${environment} -f ${fileFor(environment)}`),
    ...(isRotated
      ? [
          `rekey env rotate ${used.environment} --plan   # changes nothing`,
          `rekey env rotate ${used.environment}`,
          `rekey env schedule new ${used.environment} @daily`,
        ]
      : []),
    `rekey env open ${used.environment}`,
    ...(used.yaml.includes('environmentVariables:') ? [`rekey env run ${used.environment} -- ./app`] : []),
  ].join('\n')
}

function fileFor(environment: string): string {
  return `${environment.replace('/', '-')}.yaml`
}
