/** What holds for every definition: random ones, that refer, call and import. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactEnvironment } from '../../environments/redact.ts'
import { check, load, open, rotate, toJSON, toWire, type Host } from '../../language/index.ts'
import { Answers } from '../../language/evaluation/answers.ts'
import { Evaluator } from '../../language/evaluation/evaluator.ts'
import { Session, type Mode } from '../../language/evaluation/session.ts'
import { EvaluatedEnvironment } from '../../language/export/environment.ts'
import { parseDocument } from '../../language/parsed-document.ts'
import { randomEnvironments, reversed } from './definitions.ts'
import { run, testHost, type TestHost } from './support.ts'

const SECRET = 'c4n4ry'
const runs = { numRuns: 400, seed: 20_260_102 }

function host(environments: Record<string, string>): TestHost {
  return testHost({
    environments,
    providers: { fails: { open: () => Promise.reject(new Error('it failed')) } },
    rotators: { any: { state: { type: 'object' } } },
  })
}

/** The same evaluation with nothing asked ahead. */
async function inSequence(text: string, given: Host, mode: Mode) {
  const { document, diagnostics: loading } = parseDocument('app/prod', text)
  if (!document) return { wire: 'null', diagnostics: loading }
  const answers = new Answers(given, parseDocument)
  answers.anticipate = async () => []
  const session = new Session(given, mode, { answers, showSecrets: mode !== 'check' })
  const evaluator = new Evaluator(session, document, (ciphertext) => given.decrypt(ciphertext))
  const value = await evaluator.evaluateAll()
  const environment = new EvaluatedEnvironment('app/prod', await evaluator.root(), value, evaluator.context)
  return { wire: toWire(environment), diagnostics: session.diagnostics, rotations: session.rotations }
}

describe('asking ahead', () => {
  it.each([
    ['open', open],
    ['check', check],
    ['rotate', rotate],
  ] as const)(
    'changes nothing of an evaluation: %s',
    async (mode, evaluate) => {
      let asked = 0
      await fc.assert(
        fc.asyncProperty(randomEnvironments(SECRET), async ({ root, environments }) => {
          const together = host(environments)
          const { document } = load('app/prod', root)
          const { environment, diagnostics, ...rest } = await evaluate(document, together)
          if (!environment) return
          const apart = host(environments)
          const expected = await inSequence(root, apart, mode)
          expect(diagnostics).toEqual(expected.diagnostics)
          expect(toWire(environment)).toBe(expected.wire)
          if ('rotations' in rest) expect(rest.rotations).toEqual(expected.rotations)
          expect(together.log.toSorted()).toEqual(apart.log.toSorted())
          asked += apart.log.length
        }),
        runs,
      )
      expect(asked).toBeGreaterThan(500)
    },
    120_000,
  )

  it.each([
    [
      'what an answer may turn out to make final',
      'imports: [fin, over]\nvalues: {o: {k: {fn::open::echo: {x: 1}}}}',
      {
        fin: 'values: {o: {k: {fn::final: 1}}}',
        over: 'values: {o: {fn::open::echo: {a: 1}}, z: {fn::open::echo: {}}}',
      },
      { o: { a: 1, k: 1 }, z: {} },
      ['load fin', 'load over', 'open echo', 'open echo'],
    ],
    [
      'what inherits from an answer',
      'imports: [base]\nvalues: {cfg: {x: 1}, p: {fn::open::echo: {j: {fn::toJSON: "${cfg}"}}}}',
      { base: 'values: {cfg: {fn::open::echo: {y: 2}}}' },
      { cfg: { x: 1, y: 2 }, p: { j: '{"x":1,"y":2}' } },
      ['load base', 'open echo', 'open echo'],
    ],
    [
      'what an environment that is not loaded yet may hide',
      'imports: [fin, {p/e: {merge: false}}]\nvalues: {o: {k: {fn::open::echo: {x: 1}}}, z: "${environments.q.f.v} ${environments.q.g.v}"}',
      {
        fin: 'values: {o: "${environments.q.h.o}"}',
        'p/e': 'values: {}',
        'q/f': 'values: {v: f}',
        'q/g': 'values: {v: g}',
        'q/h': 'values: {o: {k: {fn::final: 1}}}',
      },
      { o: { k: 1 }, z: 'f g' },
      ['load fin', 'load p/e', 'load q/f', 'load q/g', 'load q/h'],
    ],
  ])('leaves alone %s', async (_what, text, environments, expected, log) => {
    const { values, host: asked } = await run('open', text, {
      environments: environments as Record<string, string>,
    })
    expect(values).toEqual(expected)
    expect(asked.log.toSorted()).toEqual(log)
  })

  it('opens nothing before the rotation that comes first', async () => {
    const given = host({})
    const text =
      'values: {a: {fn::open::echo: {}}, b: {fn::rotate::any: {inputs: {}}}, c: {fn::open::echo: {}}}'
    await rotate(load('e', text).document, given)
    expect(given.log).toEqual(['open echo', 'rotate any b', 'open any b', 'open echo'])
  })

  it('takes as long as the longest chain of answers, and asks everything once', async () => {
    const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))
    const environments = Object.fromEntries(
      Array.from({ length: 26 }, (_, index) => [`e${index}`, `values: {a${index}: ${index}}`]),
    )
    const calls = Array.from(
      { length: 10 },
      (_, index) => `  o${index}: {fn::open::slow: {x: "\${a${index}}"}}`,
    )
    const text = `imports: [${Object.keys(environments)}]\nvalues:\n${calls.join('\n')}\n`
    const times: number[] = []
    for (let run = 0; run < 7; run += 1) {
      const base = testHost({
        environments,
        providers: { slow: { open: (inputs) => wait().then(() => inputs) } },
      })
      const slow: Host = { ...base, loadEnvironment: (name) => wait().then(() => base.loadEnvironment(name)) }
      const begun = performance.now()
      const { diagnostics } = await open(load('app/prod', text).document, slow)
      times.push(performance.now() - begun)
      expect(diagnostics).toEqual([])
      expect(new Set(base.log).size).toBe(27)
      expect(base.log).toHaveLength(36)
    }
    // in sequence it would be 360 ms
    expect(Math.min(...times)).toBeLessThan(60)
  })
})

describe('evaluation', () => {
  it('does not depend on the order of keys', async () => {
    const plain = async (text: string, environments: Record<string, string>) => {
      const { environment, diagnostics } = await open(load('app/prod', text).document, host(environments))
      return {
        json: toJSON(environment, { redact: true }),
        summaries: diagnostics.map(({ summary, path }) => `${path}: ${summary}`),
      }
    }
    await fc.assert(
      fc.asyncProperty(randomEnvironments(SECRET), async ({ root, environments }) => {
        const turned = Object.fromEntries(
          Object.entries(environments).map(([name, text]) => [
            name,
            JSON.stringify(reversed(JSON.parse(text))),
          ]),
        )
        const backwards = JSON.stringify(reversed(JSON.parse(root)))
        expect(await plain(backwards, turned)).toEqual(await plain(root, environments))
      }),
      runs,
    )
  }, 120_000)
})

describe('a secret', () => {
  it.each([
    ['open', open],
    ['check', check],
    ['rotate', rotate],
  ] as const)(
    'shows in nothing that is redacted, and in no diagnostic: %s',
    async (_mode, evaluate) => {
      await fc.assert(
        fc.asyncProperty(randomEnvironments(SECRET), async ({ root, environments }) => {
          const { document, diagnostics: loading } = load('app/prod', root)
          const { environment, diagnostics } = await evaluate(document, host(environments))
          if (!environment) return
          expect(JSON.stringify([loading, diagnostics])).not.toContain(SECRET)
          expect(toJSON(environment, { redact: true })).not.toContain(SECRET)
          expect(toWire(redactEnvironment(environment))).not.toContain(SECRET)
        }),
        runs,
      )
    },
    120_000,
  )
})
