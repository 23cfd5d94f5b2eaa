/** The keys that Rekey signs its identity tokens with, as an OpenID provider. */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // A key signs from signs_from until the next one does, and is published from the start until some time after that.
  // data_key: wrapped; it seals private_key, which is null once the key signs no more.
  await sql`create table oidc_keys (
    id text primary key,
    public_key jsonb not null,
    data_key bytea not null,
    private_key bytea,
    signs_from timestamptz not null,
    created_at timestamptz not null default now()
  )`.execute(db)
}
