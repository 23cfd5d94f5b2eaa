/** What `/metrics` answers: this process's registry with its gauges brought up to date, and what others give for it. */
import type { Registry } from 'prom-client'
import type { RowGauges } from './row-gauges.ts'

export interface Exposition {
  contentType: string
  read(): Promise<string>
}

/** `others`: text in the same format, such as the Temporal SDK's own metrics; empty when there is none. */
export function createExposition(
  registry: Registry,
  gauges: RowGauges,
  others: () => Promise<string> = () => Promise.resolve(''),
): Exposition {
  return {
    contentType: registry.contentType,
    read: async () => {
      const [foreign] = await Promise.all([others().catch(() => ''), gauges.refresh()])
      return (await registry.metrics()) + foreign
    },
  }
}
