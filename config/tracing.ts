/**
 * Whether there is somebody to send traces to: OpenTelemetry's own variables, which are not ours to name. Where and how
 * to send (`OTEL_EXPORTER_OTLP_*`, `OTEL_RESOURCE_ATTRIBUTES`) its exporter reads by itself. Never shows a value.
 */

export interface TracingSettings {
  exporter: 'otlp' | 'console'
  /** Of traces that begin here; undefined: all of them. */
  sampledShare?: number
  /** False: also those that began elsewhere are decided about here. */
  followsParent: boolean
  /** Milliseconds between two exports; undefined: as the SDK likes it. */
  exportEvery?: number
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Undefined: no traces are wanted. `problem`: they are, and this is why there are none, in words for the operator; a
 * collector that cannot be served is no reason not to rotate.
 */
export function readTracing(
  env: Environment = process.env,
): TracingSettings | { problem: string } | undefined {
  if (value(env, 'OTEL_SDK_DISABLED') === 'true') return undefined
  const asked = value(env, 'OTEL_TRACES_EXPORTER')
  const address =
    value(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? value(env, 'OTEL_EXPORTER_OTLP_ENDPOINT')
  const exporter = asked ?? (address === undefined ? 'none' : 'otlp')
  if (exporter === 'none') return undefined
  if (exporter !== 'otlp' && exporter !== 'console')
    return { problem: 'OTEL_TRACES_EXPORTER must be otlp, console or none' }
  const protocol =
    value(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? value(env, 'OTEL_EXPORTER_OTLP_PROTOCOL')
  if (exporter === 'otlp' && protocol !== undefined && protocol !== 'http/protobuf')
    return { problem: 'OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, the one that Rekey speaks' }
  const sampling = readSampling(env)
  if ('problem' in sampling) return sampling
  const exportEvery = value(env, 'OTEL_BSP_SCHEDULE_DELAY')
  if (exportEvery !== undefined && !/^\d{1,7}$/.test(exportEvery))
    return { problem: 'OTEL_BSP_SCHEDULE_DELAY must be a number of milliseconds' }
  return { exporter, ...sampling, ...(exportEvery !== undefined && { exportEvery: Number(exportEvery) }) }
}

function readSampling(
  env: Environment,
): Pick<TracingSettings, 'followsParent' | 'sampledShare'> | { problem: string } {
  const name = value(env, 'OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on'
  const [, parentBased, kind] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? []
  if (kind === undefined)
    return {
      problem:
        'OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, or one of them with parentbased_ before it',
    }
  const followsParent = parentBased !== undefined
  if (kind === 'always_on') return { followsParent }
  const share = kind === 'always_off' ? 0 : Number(value(env, 'OTEL_TRACES_SAMPLER_ARG') ?? '1')
  if (!(share >= 0 && share <= 1)) return { problem: 'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1' }
  return { followsParent, sampledShare: share }
}

/** An empty variable counts as unset. */
function value(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || undefined
}
