/** What the store held and when, in clear where that is needed to tell credentials apart: in memory alone. */
import { createHash } from 'node:crypto'
import { createHost } from '../../environments/host.ts'
import { DEFAULT_SETTINGS, type Services } from '../../environments/services.ts'
import { readState, slotsOf } from '../../environments/state.ts'
import { calls, load } from '../../language/index.ts'
import { formatPropertyPath, parsePropertyPath } from '../../model/property-path.ts'
import { findLogin } from '../../rotators/logins/index.ts'
import { findRotator } from '../../rotators/index.ts'
import type { DataKey } from '../../store/seal.ts'
import type { Evidence, RowVersion } from './evidence.ts'
import { LOGIN, ORGANIZATION, type Rig } from './rig.ts'
import type { ChaosTarget } from './targets/target.ts'
import { bytesOf, versionsOf } from './versions.ts'

/** A journal row with what it holds in clear: in memory alone, while the evidence is gathered. */
export interface Opened {
  version: RowVersion
  prepared: unknown
  credential: unknown
  burnt: unknown[]
}

export interface State {
  environmentId: string
  number: number
  path: string
  target: ChaosTarget
  current: unknown
  previous: unknown
}

interface JournalRow {
  id: string
  event_id: string
  environment_id: string
  path: string
  targets: string[]
  step: string
  outcome: string | null
  failure_code: string | null
  message: string | null
  fence: number
  prepared: string | null
  credential: string | null
  burnt: string | null
  burnt_count: number
  sent_until: string | null
  settled_at: string | null
  created_at: string
}

export async function openRows(
  { db }: Rig,
  byClaim: Map<string, ChaosTarget>,
  keyOf: (environmentId: string) => Promise<DataKey>,
): Promise<Opened[]> {
  const opened: Opened[] = []
  for (const { seq, committedAt, row } of await versionsOf<JournalRow>(db, 'rotations')) {
    const key = await keyOf(row.environment_id)
    const unseal = (text: string | null): unknown => {
      const bytes = bytesOf(text)
      return bytes === null ? null : (JSON.parse(key.open('journal', row.id, bytes).toString()) as unknown)
    }
    const target = row.targets[0] === undefined ? undefined : byClaim.get(row.targets[0])
    const [prepared, credential] = [unseal(row.prepared), unseal(row.credential)]
    opened.push({
      prepared,
      credential,
      burnt: (unseal(row.burnt) as unknown[] | null) ?? [],
      version: {
        seq,
        committedAt,
        id: row.id,
        eventId: row.event_id,
        environmentId: row.environment_id,
        path: row.path,
        target: target?.name ?? null,
        step: row.step,
        outcome: row.outcome,
        code: row.failure_code,
        message: row.message,
        fence: row.fence,
        sentUntil: row.sent_until === null ? null : Date.parse(row.sent_until),
        settledAt: row.settled_at === null ? null : Date.parse(row.settled_at),
        createdAt: Date.parse(row.created_at),
        prepared: prepared === null ? null : digest(JSON.stringify(prepared)),
        burntCount: row.burnt_count,
        identity: credential === null || !target ? null : target.identity(credential),
      },
    })
  }
  return opened
}

export async function readRevisions(
  { db, keeper }: Rig,
  byClaim: Map<string, ChaosTarget>,
): Promise<{ revisions: Evidence['revisions']; states: State[] }> {
  const services: Services = { db, keeper, findRotator, findLogin, settings: DEFAULT_SETTINGS }
  const stored = await db.selectFrom('revisions').select(['environment_id', 'number', 'text']).execute()
  const texts = new Map(stored.map((row) => [`${row.environment_id} ${row.number}`, digest(row.text)]))
  const claimed = await db.selectFrom('rotations').select(['environment_id', 'path', 'targets']).execute()
  const targetAt = new Map(
    claimed.flatMap(({ environment_id, path, targets: [claim] }) => {
      const target = claim === undefined ? undefined : byClaim.get(claim)
      return target ? [[`${environment_id} ${path}`, target] as const] : []
    }),
  )
  const revisions: Evidence['revisions'] = []
  const states: State[] = []
  type Row = { environment_id: string; number: number; event_id: string | null; text: string }
  for (const { committedAt, row } of await versionsOf<Row>(db, 'revisions')) {
    const { environment_id: environmentId, number, text } = row
    const { document } = load('fire', text)
    const host = createHost(services, {
      environment: { organization: ORGANIZATION, id: environmentId },
      login: LOGIN,
      logins: 'unknown',
    })
    const here: Evidence['revisions'][number]['states'] = []
    for (const call of document ? calls(document) : []) {
      const path = formatPropertyPath(parsePropertyPath(call.path))
      const target = targetAt.get(`${environmentId} ${path}`)
      if (!target) continue
      const { current, previous } = slotsOf(await readState(document, call.path, host))
      const name = (slot: unknown) => (slot === null ? null : target.identity(slot))
      here.push({ path, target: target.name, current: name(current), previous: name(previous) })
      if (current !== null) states.push({ environmentId, number, path, target, current, previous })
    }
    revisions.push({
      environmentId,
      number,
      eventId: row.event_id,
      committedAt,
      written: digest(text),
      stored: texts.get(`${environmentId} ${number}`) ?? null,
      states: here,
    })
  }
  return { revisions, states }
}

export async function readVersions({ db }: Rig): Promise<Pick<Evidence, 'events' | 'requests' | 'claims'>> {
  type EventRow = {
    id: string
    environment_id: string
    trigger: string
    action: string
    subject: { event?: string; retry?: number }
    schedule_id: string | null
    due_at: string | null
    outcome: string | null
    post_revision: number | null
    completed_at: string | null
  }
  type RequestRow = {
    id: string
    environment_id: string
    request_key: string | null
    status: string
    event_id: string
  }
  type ClaimRow = { target: string; environment_id: string; path: string }
  const [events, requests, claims] = [
    await versionsOf<EventRow>(db, 'rotation_events'),
    await versionsOf<RequestRow>(db, 'rotation_requests'),
    await versionsOf<ClaimRow>(db, 'target_claims'),
  ]
  return {
    events: events.map(({ seq, committedAt, row }) => ({
      seq,
      committedAt,
      id: row.id,
      environmentId: row.environment_id,
      trigger: row.trigger,
      action: row.action,
      occasion: occasionOf(row),
      outcome: row.outcome,
      postRevision: row.post_revision,
      completed: row.completed_at !== null,
    })),
    requests: requests.map(({ seq, row }) => ({
      seq,
      id: row.id,
      environmentId: row.environment_id,
      key: row.request_key,
      status: row.status,
      eventId: row.event_id,
    })),
    claims: claims.map(({ seq, removed, row }) => ({
      seq,
      removed,
      claim: row.target,
      environmentId: row.environment_id,
      path: row.path,
    })),
  }
}

function occasionOf(row: {
  schedule_id: string | null
  due_at: string | null
  subject: { event?: string; retry?: number }
}): string | null {
  if (row.due_at !== null) return `schedule ${row.schedule_id} ${row.due_at}`
  return row.subject.retry === undefined ? null : `retry ${row.subject.event} ${row.subject.retry}`
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
