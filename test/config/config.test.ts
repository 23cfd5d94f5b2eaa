import { describe, expect, test } from 'vitest'
import {
  childEnvironment,
  ConfigError,
  describeConfig,
  loadConfig,
  toEnvironment,
} from '../../config/index.ts'

describe('settings', () => {
  test('every setting has its documented default', () => {
    expect(loadConfig({ PATH: '/bin', REKEYED: 'not ours' })).toEqual({
      databaseUrl: 'postgres://rekey@127.0.0.1:5432/rekey',
      temporalAddress: '127.0.0.1:7233',
      temporalNamespace: 'default',
      temporalTls: undefined,
      temporalTlsCaFile: undefined,
      temporalTlsCertFile: undefined,
      temporalTlsKeyFile: undefined,
      temporalTlsServerName: undefined,
      temporalApiKeyFile: undefined,
      taskQueue: 'rekey',
      listen: { host: '127.0.0.1', port: 8790 },
      workerListen: { host: '127.0.0.1', port: 8791 },
      metricsListen: { host: '127.0.0.1', port: 8792 },
      dataDir: '.rekey',
      keyFile: '.rekey/key',
      minRotationAge: 30 * 60_000,
      minManualAge: 60_000,
      retryAfter: [10 * 60_000, 3_600_000, 6 * 3_600_000],
      minScheduleInterval: 3_600_000,
      requestExpiry: 15 * 60_000,
      reconcileInterval: 60_000,
      sweepInterval: 10 * 60_000,
      targetBudget: 120_000,
      changeTimeout: 5_000,
      maxConcurrentRotations: 40,
      oidcIssuer: undefined,
      oidcAudience: 'aws:{org}',
      oidcKeyLifetime: 90 * 24 * 3_600_000,
      oidcKeyLead: 24 * 3_600_000,
      logLevel: 'info',
      temporalCli: undefined,
      url: undefined,
      token: undefined,
      org: undefined,
    })
  })

  test('an empty variable counts as unset', () => {
    expect(loadConfig({ REKEY_MIN_MANUAL_AGE: '', REKEY_TOKEN: '' })).toEqual(loadConfig({}))
  })

  test.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('the duration %s is %i ms', (text, duration) => {
    expect(loadConfig({ REKEY_MIN_ROTATION_AGE: text }).minRotationAge).toBe(duration)
  })

  test.each([
    ['10m,1h', [600_000, 3_600_000]],
    ['90s', [90_000]],
    ['1m, 2m', [60_000, 120_000]],
    ['off', []],
  ])('the times %s are %j ms', (text, times) => {
    const config = loadConfig({ REKEY_RETRY_AFTER: text })
    expect(config.retryAfter).toEqual(times)
    expect(loadConfig(toEnvironment(config)).retryAfter).toEqual(times)
  })

  test.each([
    ['REKEY_RETRY_AFTER', '10m,'],
    ['REKEY_RETRY_AFTER', '10m,0s'],
    ['REKEY_RETRY_AFTER', '10m;1h'],
    ['REKEY_RETRY_AFTER', Array.from({ length: 21 }, () => '1m').join(',')],
    ['REKEY_MIN_ROTATION_AGE', '15'],
    ['REKEY_MIN_ROTATION_AGE', '1.5h'],
    ['REKEY_MIN_ROTATION_AGE', '-1m'],
    ['REKEY_MIN_ROTATION_AGE', '1h30m'],
    ['REKEY_MIN_ROTATION_AGE', ' 1h'],
    ['REKEY_MIN_ROTATION_AGE', '999999999d'],
    ['REKEY_RECONCILE_INTERVAL', '0s'],
    ['REKEY_CHANGE_TIMEOUT', '0m'],
    ['REKEY_LISTEN', '8790'],
    ['REKEY_LISTEN', '127.0.0.1:65536'],
    ['REKEY_LISTEN', 'http://127.0.0.1:80'],
    ['REKEY_TEMPORAL_ADDRESS', 'temporal'],
    ['REKEY_TEMPORAL_ADDRESS', 'temporal:0'],
    ['REKEY_TEMPORAL_TLS', 'true'],
    ['REKEY_TEMPORAL_TLS_SERVER_NAME', 'temporal.example.com:7233'],
    ['REKEY_TEMPORAL_TLS_SERVER_NAME', 'https://temporal.example.com'],
    ['REKEY_DATABASE_URL', 'mysql://h/d'],
    ['REKEY_DATABASE_URL', 'host=localhost'],
    ['REKEY_URL', 'ftp://h'],
    ['REKEY_MAX_CONCURRENT_ROTATIONS', '0'],
    ['REKEY_MAX_CONCURRENT_ROTATIONS', '1e3'],
    ['REKEY_LOG_LEVEL', 'loud'],
    ['REKEY_TASK_QUEUE', 'a b'],
    ['REKEY_OIDC_ISSUER', 'http://rekey.example.com'],
    ['REKEY_OIDC_ISSUER', 'https://rekey.example.com/?a=b'],
    ['REKEY_OIDC_ISSUER', 'https://ada@rekey.example.com'],
    ['REKEY_OIDC_ISSUER', 'rekey.example.com'],
    ['REKEY_OIDC_AUDIENCE', 'two words'],
    ['REKEY_OIDC_KEY_LEAD', '0s'],
    ['REKEY_OIDC_KEY_LEAD', '5m'],
    ['REKEY_OIDC_ISSUER', 'https://rekey.example.com/a:b'],
    ['REKEY_OIDC_ISSUER', 'https://rekey.example.com/*'],
    ['REKEY_OIDC_ISSUER', 'https://rekey.example.com/%61'],
  ])('%s=%s is refused in one line that names the variable and not the value', (name, value) => {
    const error = refusal({ [name]: value })
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toMatch(new RegExp(`^${name} must be .+$`))
    expect(refusal({ [name]: `${value} hunter2` }).message).not.toContain('hunter2')
  })

  test('an unknown variable is refused by its name, never with its value', () => {
    const { message } = refusal({ REKEY_TOKN: 'hunter2', REKEY_LISTEN: '127.0.0.1:1' })
    expect(message).toContain('REKEY_TOKN')
    expect(message).not.toContain('hunter2')
    expect(message).not.toContain('\n')
  })

  test('the settings cannot be changed', () => {
    const settings = loadConfig({})
    expect(() => Object.assign(settings, { org: 'other' })).toThrow(TypeError)
    expect(() => Object.assign(settings.listen, { port: 1 })).toThrow(TypeError)
  })

  test.each([
    ['https://rekey.example.com/', 'https://rekey.example.com'],
    ['https://Rekey.example.com/oidc/', 'https://rekey.example.com/oidc'],
    ['http://127.0.0.1:8790', 'http://127.0.0.1:8790'],
  ])('the issuer %s is %s', (text, issuer) => {
    expect(loadConfig({ REKEY_OIDC_ISSUER: text }).oidcIssuer).toBe(issuer)
  })

  test('an IPv6 address keeps its brackets on the way to a child', () => {
    const settings = loadConfig({ REKEY_LISTEN: '[::1]:0' })
    expect(settings.listen).toEqual({ host: '::1', port: 0 })
    expect(toEnvironment(settings).REKEY_LISTEN).toBe('[::1]:0')
  })

  test('a child that is given the settings reads the same ones', () => {
    const settings = loadConfig({
      REKEY_DATABASE_URL: 'postgresql://u:p%40ss@db:1/x',
      REKEY_MIN_SCHEDULE_INTERVAL: '0s',
      REKEY_MIN_ROTATION_AGE: '36h',
      REKEY_CHANGE_TIMEOUT: '61s',
      REKEY_TOKEN: 'hunter2',
      REKEY_URL: 'https://rekey.example/',
    })
    expect(loadConfig(toEnvironment(settings))).toEqual(settings)
    expect(settings.url).toBe('https://rekey.example')
    expect(loadConfig(childEnvironment(settings))).toEqual(settings)
    expect(childEnvironment(settings)).toHaveProperty('PATH')
  })

  test('what people are shown masks every secret', () => {
    const shown = describeConfig(
      loadConfig({
        REKEY_TOKEN: 'hunter2',
        REKEY_DATABASE_URL: 'postgres://u:hunter2@db/x?sslpassword=hunter2&password=hunter2&sslmode=require',
      }),
    )
    expect(JSON.stringify(shown)).not.toContain('hunter2')
    expect(shown.find(({ name }) => name === 'REKEY_DATABASE_URL')?.value).toContain('sslmode=require')
    expect(shown.find(({ name }) => name === 'REKEY_MIN_SCHEDULE_INTERVAL')).toMatchObject({
      value: '1h',
      default: '1h',
    })
    expect(shown.every(({ about }) => about.length > 0)).toBe(true)
  })
})

function refusal(env: Record<string, string>): Error {
  try {
    loadConfig(env)
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was refused')
}
