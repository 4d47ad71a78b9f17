import { expect, test } from 'vitest';
import type { Firebreak } from '../../support/firebreak.ts';
import { nobody, type Reply, vendor } from '../../integrations/server.ts';
import { type Access, cdSystems } from './cd-systems.ts';

const IN_A_SHELL = ['curl -f', 'GitLab', 'Jenkins', 'Argo CD'];

/** What the scripts of the examples do where this is answered. */
const outcomes = (url: string): Promise<[string, boolean][]> => {
  const access: Access = { firebreak: { url } as Firebreak, token: 't', key: 'k' };
  const systems = cdSystems.map((make) => make(access)).filter(({ name }) => IN_A_SHELL.includes(name));
  return Promise.all(
    systems.map(async (system) => [system.name, (await system.deploy({ version: 'v1', id: 'd1' })).goesOn]),
  );
};
const each = (goesOn: boolean) => IN_A_SHELL.map((name) => [name, goesOn]);

test.each([
  ['a yes', { body: 'allowed: deploy of checkout v1 to production\n- fine\n' }, true],
  ['a page of a proxy', { body: '<html>allowed: all</html>' }, false],
  ['nothing', { body: '' }, false],
  ['no content', { status: 204 }, false],
  ['a no with a 200', { body: 'FROZEN: deploy of checkout\n- allowed: deploy\nallowed: x\n' }, false],
  ['a yes with a 423', { status: 423, body: 'allowed: deploy of checkout v1 to production\n' }, false],
  ['another place to go to', { status: 302, headers: { location: 'https://login.example.com' } }, false],
  ['a refusal of the question', { status: 403, body: '{"detail": "no"}' }, false],
] as [string, Reply, boolean][])('of what is answered, only a clear yes is one: %s', async (_, reply, goesOn) => {
  const { url } = await vendor(reply);
  expect(await outcomes(url)).toEqual(each(goesOn));
});

test('a fault that passes is asked again, one that stays and nobody are no yes', { timeout: 60_000 }, async () => {
  const yes = { body: 'allowed: deploy of checkout v1 to production\n' };
  const fault = { status: 503, body: '{"detail": "busy"}' };
  // A fault for each of them, and then a yes.
  const passing = await vendor(fault, fault, fault, fault, yes);
  const staying = await vendor(fault);
  const [passed, stayed, away] = await Promise.all([
    outcomes(passing.url),
    outcomes(staying.url),
    nobody().then(outcomes),
  ]);
  expect({ passed, stayed, away }).toEqual({ passed: each(true), stayed: each(false), away: each(false) });
});
