/** `rekey env revision`: the revisions of an environment, names for them, and going back to one. */
import type { Command } from 'commander'
import { ApiError } from '../../api.ts'
import { declare, group } from '../../command.ts'
import type { Context } from '../../context.ts'
import { readDefinition, saveDefinition, tellSaved } from '../../definition.ts'
import { readEnvironment, readNewest, versionOf } from '../../environment-argument.ts'
import { Failure } from '../../failure.ts'
import { localTime, print, printJson, printTable } from '../../output.ts'
import { limitOption, readRevisions, revisionNumber, showRevisions } from '../../revisions.ts'

interface Tag {
  name: string
  revision: number
  modified: string
  editorLogin: string
}

interface Options {
  limit: number
  json?: boolean
}

export function addEnvRevision(env: Command, context: Context): void {
  const revision = group(
    env,
    'revision',
    'the revisions of an environment, tags that name them, and the way back to one',
    'rekey env revision rollback billing/production@3',
  )

  declare(revision, {
    usage: 'ls <env>',
    about: 'list the revisions, newest first',
    examples: ['rekey env revision ls billing/production --limit 5'],
    json: true,
  })
    .addOption(limitOption())
    .action(async (name: string, { limit, json }: Options) => {
      const api = context.api()
      const revisions = await readRevisions(api, await readNewest(api, name), limit)
      showRevisions(context, revisions, json)
    })

  declare(revision, {
    usage: 'rollback <env>',
    about:
      'save the text of an old revision as the newest; credentials that were rotated since stay as they are',
    examples: ['rekey env revision rollback billing/production@3'],
    json: true,
  }).action(async (name: string, { json }: Options) => {
    const api = context.api()
    const environment = await readEnvironment(api, name)
    if (versionOf(environment) === undefined)
      throw new Failure(
        `say which revision: ${environment.shortName}@<number or tag>, see "rekey env revision ls"`,
      )
    const { text } = await readDefinition(api, environment)
    const made = await saveDefinition(context, api, environment, text)
    if (json) printJson(context, { environment: environment.fullName, revision: made })
    else tellSaved(context, environment, made)
  })

  addTags(revision, context)
}

function addTags(revision: Command, context: Context): void {
  declare(revision, {
    usage: 'tags <env> [tag]',
    about: 'list the tags of the revisions, or show one',
    examples: ['rekey env revision tags billing/production'],
    json: true,
  }).action(async (name: string, tag: string | undefined, { json }: Options) => {
    const api = context.api()
    const { path } = await readNewest(api, name)
    const tags = `${path}/versions/tags`
    const found =
      tag === undefined
        ? (await api.call<{ tags: Tag[] }>('GET', tags)).json.tags
        : [(await api.call<Tag>('GET', `${tags}/${encodeURIComponent(tag)}`)).json]
    if (json) return printJson(context, tag === undefined ? found : found[0])
    printTable(
      context,
      ['TAG', 'REVISION', 'SET', 'BY'],
      found.map((one) => [one.name, String(one.revision), localTime(one.modified), one.editorLogin]),
    )
  })

  declare(revision, {
    usage: 'tag <env> <tag>',
    about: 'give a revision a tag, or move the tag to it; without a revision, the newest',
    examples: [
      'rekey env revision tag billing/production stable',
      'rekey env revision tag billing/production@3 stable',
    ],
    json: true,
  }).action(async (name: string, tag: string, { json }: Options) => {
    const api = context.api()
    const environment = await readEnvironment(api, name)
    const number = await revisionNumber(api, environment)
    const tags = `${environment.path}/versions/tags`
    const moved = await api
      .call('PATCH', `${tags}/${encodeURIComponent(tag)}`, { body: { revision: number } })
      .catch((error: unknown) => {
        if (!(error instanceof ApiError) || error.status !== 404) throw error
      })
    if (!moved) await api.call('POST', tags, { body: { name: tag, revision: number } })
    if (json) printJson(context, { environment: environment.fullName, tag, revision: number })
    else print(context, `${environment.shortName}@${tag} is revision ${number} now`)
  })

  declare(revision, {
    usage: 'untag <env> <tag>',
    about: 'remove a tag; the revision stays',
    examples: ['rekey env revision untag billing/production stable'],
    json: true,
  }).action(async (name: string, tag: string, { json }: Options) => {
    const api = context.api()
    const environment = await readNewest(api, name)
    await api.call('DELETE', `${environment.path}/versions/tags/${encodeURIComponent(tag)}`)
    if (json) printJson(context, { environment: environment.fullName, tag, removed: true })
    else print(context, `${environment.shortName} has no tag ${tag} any more`)
  })
}
