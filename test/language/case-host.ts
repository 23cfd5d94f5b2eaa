/** The one host of all cases: a few providers and rotators, named for what they do. */
import { JsonNumber, type Value } from '../../language/index.ts'
import { testHost, type TestHost } from './support.ts'

export function caseHost(environments: Record<string, string>): TestHost {
  let made = 0
  const password = (text: string): Value => ({ value: { password: { value: text, secret: true } } })
  return testHost({
    environments,
    context: { user: { value: 'ada' }, team: { value: { name: { value: 'ops' } } } },
    providers: {
      login: {
        outputs: {
          type: 'object',
          properties: {
            token: { type: 'string' },
            count: { type: 'number' },
            pair: { prefixItems: [{ type: 'string' }, { type: 'number' }], items: false, type: 'array' },
            either: { anyOf: [{ type: 'string' }, { type: 'object' }] },
          },
        },
        open: async () => ({ value: { token: { value: 't0' }, count: { value: new JsonNumber('1.50') } } }),
      },
      hidden: { open: async (inputs) => ({ ...inputs, secret: true }) },
      fails: { open: () => Promise.reject(new Error('the target said no')) },
      strict: {
        inputs: {
          type: 'object',
          properties: { a: { type: 'string' } },
          required: ['a'],
          additionalProperties: false,
        },
      },
      keeps: { inputs: { type: 'object', properties: { a: {} }, rotateOnly: ['a'] } },
      broken: { inputs: { $ref: '#/$defs/none' }, outputs: { pattern: '(' } },
    },
    rotators: {
      pg: {
        inputs: {
          type: 'object',
          properties: {
            user: { type: 'string' },
            admin: { type: 'object', properties: { token: { type: 'string' } } },
          },
          required: ['user', 'admin'],
          rotateOnly: ['admin'],
        },
        state: { type: 'object', properties: { password: { type: 'string' } }, required: ['password'] },
        outputs: { type: 'object', properties: { password: { type: 'string' } } },
        open: async (_inputs, state) => state ?? { value: { password: { value: 'none yet' } } },
        rotate: async () => password(`made-${(made += 1)}`),
      },
      refuses: { rotate: () => Promise.reject(new Error('the database is away')) },
      unopened: { open: () => Promise.reject(new Error('cannot open')) },
      obj: { open: async (inputs, state) => ({ value: { inputs, state: state ?? { value: null } } }) },
      any: {
        state: true,
        open: async (inputs, state) => ({ value: { inputs, state: state ?? { value: null } } }),
      },
    },
  })
}
