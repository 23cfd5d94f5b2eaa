/** Who one is, in the words that ESC clients expect: a user's login is called `githubLogin` there. */
import type { FastifyInstance } from 'fastify'
import { Refusal } from '../../model/refusal.ts'
import { findUser, organizationsOf } from '../../store/users.ts'
import type { Services } from '../services.ts'

export function userRoutes(app: FastifyInstance, { db }: Services): void {
  app.get('/api/user', { config: { access: 'user' } }, async ({ login }) => {
    const user = await findUser(db, login)
    if (!user) throw new Refusal('unauthenticated', 'the user of this access token is gone')
    const organizations = await organizationsOf(db, login)
    return {
      id: login,
      githubLogin: login,
      name: user.name,
      email: user.email ?? '',
      avatarUrl: '',
      organizations: organizations.map((name) => ({ githubLogin: name, name, avatarUrl: '' })),
      identities: [],
      siteAdmin: false,
    }
  })

  app.get('/api/user/organizations/default', { config: { access: 'user' } }, async ({ login }) => {
    const [first = ''] = await organizationsOf(db, login)
    return { gitHubLogin: first, Messages: [] }
  })

  // Some clients try to sign up by themselves; an answer without `code` would confuse them.
  app.get('/api/agents/signup', { config: { access: 'anyone' } }, () => {
    throw new Refusal('not-found', 'there is no sign-up here; an administrator makes users and access tokens')
  })
}
