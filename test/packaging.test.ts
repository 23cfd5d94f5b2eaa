/** What others install: the npm package as packed and unpacked, and what the image and the Compose file say. Needs no network. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { VARIABLES } from '../config/variables.ts'
import { DYNAMIC_CONFIG } from '../embedded/temporal.ts'
import { freshDatabase } from './support/servers.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const run = promisify(execFile)
const manifest = JSON.parse(read('package.json')) as { version: string; dependencies: Record<string, string> }

describe('the npm package', () => {
  let folder: string
  let installed: string
  let files: string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekey-package-'))
    // Built apart from the checkout, where somebody may be packing.
    const source = join(folder, 'source')
    await mkdir(source)
    const kept = (await readdir(ROOT)).filter(
      (name) => !/^(node_modules|dist|test|coverage|\..*)$/.test(name),
    )
    for (const name of kept) await cp(join(ROOT, name), join(source, name), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(source, 'node_modules'))
    await run(join(source, 'bin/build'), { env: withNode() })
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
    const { stdout } = await run('npm', pack, { cwd: source, env: withNode() })
    const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
    files = packed.files.map(({ path }) => path)
    installed = join(folder, 'node_modules', 'rekey')
    await mkdir(installed, { recursive: true })
    await run('tar', ['-xzf', join(folder, packed.filename), '-C', installed, '--strip-components', '1'])
    // What npm would install beside it, and nothing of what is for development alone.
    for (const name of Object.keys(manifest.dependencies)) {
      const link = join(folder, 'node_modules', name)
      await mkdir(dirname(link), { recursive: true })
      await symlink(join(ROOT, 'node_modules', name), link)
    }
    await chmod(program(), 0o755)
    // Compiles and packs everything.
  }, 180_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const program = () => join(installed, 'dist/js/cli/main.js')
  const rekey = (args: string[], env: Record<string, string> = {}) =>
    run(program(), args, { cwd: folder, env: { ...withNode(), ...env } })

  test('it holds what runs, and neither tests nor sources nor secrets', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'package.json',
        'dist/js/package.json',
        'dist/js/cli/main.js',
        'dist/js/store/migrations/0001-initial.js',
        'dist/js/dist/workflow-bundle.js',
        'dist/js/workflows/index.js',
      ]),
    )
    expect(
      files.filter((path) =>
        /\.ts$|\btest\b|^deploy\/(?!grafana|prometheus|temporal-dynamic)|\.env|node_modules/.test(path),
      ),
    ).toEqual([])
    expect(
      files.filter(
        (path) => !/^(dist\/js|docs|examples|deploy)\/|^[A-Z]+(\.md)?$|^package\.json$/.test(path),
      ),
    ).toEqual([])
  })

  test('the pages that its pages lead to are in it; sources are in a checkout alone', async () => {
    const isPage = /\.md$|^(docs|examples|deploy)\b/
    const pages = files.filter((path) => path.endsWith('.md'))
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'examples/daily/README.md']))
    for (const page of pages) {
      const text = await readFile(join(installed, page), 'utf8')
      const links = [...text.matchAll(/\]\((?!\w+:)([^)#\s]+)/g)].map(([, to]) => join(dirname(page), to!))
      const lost = links.filter((to) => isPage.test(to) && !existsSync(join(installed, to)))
      expect({ page, lost }).toEqual({ page, lost: [] })
    }
  })

  test('the pages that its words name are in it', async () => {
    const named = new Set<string>()
    for (const path of files.filter((file) => file.endsWith('.js')))
      for (const [page] of (await readFile(join(installed, path), 'utf8')).matchAll(/\bdocs\/[\w/-]+\.md/g))
        named.add(page)
    expect([...named]).toContain('docs/operations/temporal-ui.md')
    expect([...named].filter((page) => !files.includes(page))).toEqual([])
  })

  test('every migration and every rotator is in it', async () => {
    for (const part of ['store/migrations', 'rotators', 'cli/commands', 'activities']) {
      const sources = (await readdir(join(ROOT, part), { recursive: true })).filter(
        (path) => path.endsWith('.ts') && !path.endsWith('.d.ts'),
      )
      expect(sources.length).toBeGreaterThan(0)
      const wanted = sources.map((path) => `dist/js/${part}/${path.replace(/\.ts$/, '.js')}`)
      expect(files).toEqual(expect.arrayContaining(wanted))
    }
  })

  test('no file of it names the folder that it was built in', async () => {
    const bundle = await readFile(join(installed, 'dist/js/dist/workflow-bundle.js'), 'utf8')
    const map = /sourceMappingURL=[^,]*,([\w+/=]+)/.exec(bundle)?.[1]
    const sources = (JSON.parse(Buffer.from(map!, 'base64').toString()) as { sources: string[] }).sources
    expect(sources).toContain('./workflows/index.ts')
    expect(
      sources.filter((path) => path.startsWith('/') && !path.startsWith(join(ROOT, 'node_modules'))),
    ).toEqual([])
    for (const path of files.filter((name) => name.endsWith('.js')))
      expect(await readFile(join(installed, path), 'utf8')).not.toContain(folder)
  })

  test('below node_modules it runs: version, settings, the schema of a store', async () => {
    expect((await rekey(['--version'])).stdout).toBe(`${manifest.version}\n`)
    expect((await rekey(['config'])).stdout).toContain('REKEY_DATABASE_URL')
    const database = await freshDatabase()
    try {
      const env = { REKEY_DATABASE_URL: database.url, REKEY_KEY_FILE: join(folder, 'key') }
      const { stdout } = await rekey(['migrate', '--new-key', '--json'], env)
      const migrations = (await readdir(join(ROOT, 'store/migrations'))).map((file) =>
        file.replace('.ts', ''),
      )
      expect(JSON.parse(stdout)).toMatchObject({ applied: migrations.toSorted(), key: 'made' })
    } finally {
      await database.drop()
    }
  })

  test('its worker takes the bundle that came along, whatever times npm gave the files', async () => {
    const script = `
      const { workerOptions } = await import(process.argv[1])
      console.log(JSON.stringify(workerOptions({ activities: {} })))`
    const options = pathToFileURL(join(installed, 'dist/js/worker/options.js')).href
    await run('touch', ['-d', '2001-01-01', join(installed, 'dist/js/dist/workflow-bundle.js')])
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script, options])
    const { workflowBundle } = JSON.parse(stdout) as { workflowBundle?: { codePath: string } }
    expect(workflowBundle?.codePath).toBe(join(installed, 'dist/js/dist/workflow-bundle.js'))
  })
})

interface Service {
  image: string
  build?: string
  read_only?: boolean
  user?: string
  ports?: string[]
  secrets?: string[]
  environment?: Record<string, string>
  volumes?: string[]
  command?: string[]
  healthcheck?: { test?: string[] }
  deploy?: { replicas: number }
}

describe('docker-compose.yml', () => {
  const text = read('docker-compose.yml')
  const compose = parse(text, { merge: true }) as {
    services: Record<string, Service>
    secrets: Record<string, { file: string }>
    volumes: Record<string, unknown>
  }
  const services = Object.entries(compose.services)
  const ours = services.filter(([, { build }]) => build !== undefined)

  test('it runs what Rekey is made of', () => {
    expect(ours.map(([name]) => name)).toEqual(['migrate', 'server', 'worker'])
    expect(ours.map(([, { command }]) => command)).toEqual([['migrate'], ['server'], ['worker']])
    expect(compose.services['worker']?.deploy).toEqual({ replicas: 2 })
    for (const name of ['server', 'worker'])
      expect(compose.services[name]?.healthcheck?.test?.join(' ')).toContain('/readyz')
  })

  test('the settings that it names exist', () => {
    const known = Object.values(VARIABLES).map(({ name }) => name as string)
    const named = text.match(/\bREKEY_\w+/g) ?? []
    expect(named).toContain('REKEY_DATABASE_URL')
    expect(named.filter((name) => !known.includes(name))).toEqual([])
  })

  test('what else operators may set reaches server and worker from .env or the shell', () => {
    // Fixed by this file, of Temporal elsewhere, of AWS KMS (which needs its credentials too), or not of these programs.
    const others =
      /^REKEY_(DATABASE_URL|KEY_FILE|KMS_KEY|TEMPORAL_\w+|TASK_QUEUE|\w*LISTEN|DATA_DIR|URL|TOKEN|ORG)$/
    const wanted = Object.values(VARIABLES)
      .map(({ name }) => name as string)
      .filter((name) => !others.test(name))
    expect(wanted).toContain('REKEY_OIDC_ISSUER')
    for (const service of ['migrate', 'server', 'worker'])
      expect(compose.services[service]?.environment).toMatchObject(
        Object.fromEntries(wanted.map((name) => [name, `\${${name}:-}`])),
      )
  })

  test('nothing is published beyond the loopback interface', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? [])
    expect(ports).toHaveLength(2)
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([])
    expect(text).not.toMatch(/network_mode|privileged: true/)
  })

  test('our programs run as nobody special on a file system that they cannot write to', () => {
    for (const [name, service] of ours)
      expect({ name, ...service }).toMatchObject({
        read_only: true,
        user: expect.stringMatching(/^\$\{RUN_AS:\?/) as string,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
  })

  test('passwords come from files that deploy/make-secrets makes', () => {
    const made = [...read('deploy/make-secrets').matchAll(/\| keep_or_make ([\w-]+)/g)].map(
      ([, name]) => name!,
    )
    expect(Object.keys(compose.secrets).toSorted()).toEqual(made.toSorted())
    for (const [name, { file }] of Object.entries(compose.secrets))
      expect(file).toBe(`./deploy/secrets/${name}`)
    expect(
      services.flatMap(([, { secrets = [] }]) => secrets).filter((name) => !made.includes(name)),
    ).toEqual([])
    for (const [, { environment = {} }] of services)
      for (const [name, value] of Object.entries(environment))
        if (/PASSWORD|PWD|TOKEN|_KEY(_FILE)?$/.test(name)) expect(value).toMatch(/^\/run\/secrets\//)
  })

  test('its Temporal has the dynamic configuration of the one that "rekey dev" starts', () => {
    const file = './deploy/temporal-dynamic-config.yaml'
    const { environment, volumes } = compose.services['temporal']!
    expect(volumes).toEqual([`${file}:${environment!['DYNAMIC_CONFIG_FILE_PATH']}:ro`])
    const values = Object.entries(parse(read(file)) as Record<string, { value: unknown }[]>)
    expect(Object.fromEntries(values.map(([key, [only]]) => [key, only!.value]))).toEqual(DYNAMIC_CONFIG)
  })

  test('its files and volumes are there', () => {
    for (const mount of services.flatMap(([, service]) => service.volumes ?? [])) {
      const from = mount.split(':')[0]!
      if (from.startsWith('./')) expect(existsSync(join(ROOT, from)), from).toBe(true)
      else expect(Object.keys(compose.volumes)).toContain(from)
    }
  })
})

describe('deploy/make-secrets', () => {
  test('new passwords and a key for their owner alone; a second run keeps them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekey-secrets-'))
    try {
      await mkdir(join(folder, 'deploy'))
      await cp(join(ROOT, 'deploy/make-secrets'), join(folder, 'deploy/make-secrets'))
      await run(join(folder, 'deploy/make-secrets'))
      const names = ['key', 'store-password', 'temporal-password']
      const secrets = () =>
        Promise.all(names.map((name) => readFile(join(folder, 'deploy/secrets', name), 'utf8')))
      const [key, ...passwords] = await secrets()
      expect(Buffer.from(key!, 'base64')).toHaveLength(32)
      for (const password of passwords) expect(password).toMatch(/^[0-9a-f]{48}$/)
      expect(new Set(passwords).size).toBe(2)
      const { stdout } = await run('find', ['deploy/secrets', '-type', 'f', '-perm', '600'], { cwd: folder })
      expect(stdout.trim().split('\n')).toHaveLength(3)
      const env = await readFile(join(folder, '.env'), 'utf8')
      expect(env).toMatch(/^RUN_AS=[1-9]\d*:\d+\n$/)

      await run(join(folder, 'deploy/make-secrets'))
      expect(await secrets()).toEqual([key, ...passwords])
      expect(await readFile(join(folder, '.env'), 'utf8')).toBe(env)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('the image', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from]) =>
    from!.split(' '),
  )

  test('it holds every folder that the command line needs, and .dockerignore lets each in', async () => {
    const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] }
    expect(copied).toEqual(expect.arrayContaining(['package.json', 'package-lock.json', ...include]))
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    const rules = read('.dockerignore').split('\n')
    expect(rules).toContain('*')
    expect(rules.filter((rule) => rule.startsWith('!')).toSorted()).toEqual(
      copied.map((path) => `!${path}`).toSorted(),
    )
  })

  test('it runs the command line as a user who is not root', () => {
    const last = read('Dockerfile')
      .split(/^FROM /m)
      .at(-1)!
    expect(last).toMatch(/^USER node$/m)
    expect(last).toContain('ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "/app/cli/main.ts"]')
    expect(last).toMatch(/^HEALTHCHECK .*\/readyz/m)
  })
})

/** The Node.js that runs this comes first, and npm neither asks nor looks for news. */
function withNode(): Record<string, string> {
  return {
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: tmpdir(),
    npm_config_update_notifier: 'false',
  }
}
