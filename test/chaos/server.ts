/** The server program of the fire: the real one, its workflows' time limits from its argument. */
import { loadConfig } from '../../config/index.ts'
import { startServer } from '../../server/main.ts'
import type { RotateEnvironmentInput } from '../../workflows/messages.ts'
import { endWithParent, planOf } from './programs.ts'

export interface ServerPlan {
  settings: Record<string, string>
  limits: NonNullable<RotateEnvironmentInput['limits']>
}

const { settings, limits } = planOf<ServerPlan>()
endWithParent()
await startServer(loadConfig(settings), { limits })
