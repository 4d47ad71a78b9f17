import { expect, test } from 'vitest';
import { EnvironmentEntry } from '../../../schemas/config/config.ts';
import { chaosSystems } from '../actions/problems.ts';

/** Returns the problems of an environment with these secrets. */
const problemsIn = (production: object, secrets: Record<string, string>): Promise<string[]> =>
  chaosSystems({ secrets: { get: async (name) => secrets[name] } }).problems(EnvironmentEntry.parse(production));

test.each(['litmus', 'chaos-mesh'])(
  'a chaos system of kind %s needs the address and the token of its cluster',
  async (kind) => {
    const of = (chaos: object, secrets: Record<string, string>) => problemsIn({ experiments: { chaos } }, secrets);
    expect(await of({ kind }, {})).toEqual([
      `the chaos system (${kind}) has no address: set its \`url\`, or KUBERNETES_URL`,
    ]);
    const url = { KUBERNETES_URL: 'https://cluster.test' };
    expect(await of({ kind }, url)).toEqual(['the secret KUBERNETES_TOKEN of the chaos system is not set']);
    const own = { kind, url: 'https://chaos.test', auth: { bearer: 'CHAOS_TOKEN' } };
    expect(await of(own, {})).toEqual(['the secret CHAOS_TOKEN of the chaos system is not set']);
    expect(await of(own, { CHAOS_TOKEN: 'a-token' })).toEqual([]);
  },
);

test('a chaos system over HTTP needs credentials', async () => {
  const of = (more: object, secrets: Record<string, string>) =>
    problemsIn({ experiments: { chaos: { kind: 'http', url: 'https://chaos.test', ...more } } }, secrets);
  expect(await of({}, {})).toEqual(['the chaos system is called without credentials (no "auth")']);
  const auth = { webhookSignature: 'CHAOS_SECRET' };
  expect(await of({ auth }, {})).toEqual(['the secret CHAOS_SECRET of the chaos system is not set']);
  expect(await of({ auth }, { CHAOS_SECRET: 'whsec_x' })).toEqual([]);
  // Experiments without a chaos system are observed only.
  expect(await problemsIn({ experiments: {} }, {})).toEqual([]);
});
