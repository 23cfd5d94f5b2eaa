/** What the activities of this process work with. */
import type { Logger } from 'pino'
import { DEFAULT_LIMITS, type ActivityServices } from '../activities/services.ts'
import type { Config } from '../config/index.ts'
import { DEFAULT_SETTINGS } from '../environments/services.ts'
import { findRotator } from '../rotators/index.ts'
import { findLogin } from '../rotators/logins/index.ts'
import type { OidcSettings } from '../environments/oidc/settings.ts'
import type { Database } from '../store/database.ts'
import type { Keeper } from '../store/seal.ts'

export function createActivityServices(
  config: Pick<Config, 'targetBudget' | 'changeTimeout' | 'minRotationAge' | 'minManualAge' | 'retryAfter'>,
  store: { db: Database; keeper: Keeper; oidc?: OidcSettings },
  log: Logger,
): ActivityServices {
  return {
    environments: { ...store, findRotator, findLogin, settings: DEFAULT_SETTINGS },
    limits: {
      ...DEFAULT_LIMITS,
      targetBudget: config.targetBudget,
      changeTimeout: config.changeTimeout,
      minRotationAge: config.minRotationAge,
      minManualAge: config.minManualAge,
      retryAfter: config.retryAfter,
    },
    log,
    at: () => Promise.resolve(),
  }
}
