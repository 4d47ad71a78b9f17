import { expect, test } from 'vitest';
import type { Firebreak } from '../../../support/firebreak.ts';
import { nobody, type Reply, vendor } from '../../../vendors/server.ts';
import { type Access, cdSystems } from './cd-systems.ts';

const IN_A_SHELL = ['curl -f', 'GitLab', 'Jenkins', 'Argo CD'];

/** Returns what the example scripts do with this response. */
const outcomes = (url: string): Promise<[string, boolean][]> => {
  const access: Access = { firebreak: { url } as Firebreak, token: 't', key: 'k' };
  const systems = cdSystems.map((make) => make(access)).filter(({ name }) => IN_A_SHELL.includes(name));
  return Promise.all(
    systems.map(async (system) => [system.name, (await system.deploy({ version: 'v1', id: 'd1' })).goesOn]),
  );
};
const each = (goesOn: boolean) => IN_A_SHELL.map((name) => [name, goesOn]);

test.each([
  ['an approval', { body: 'allowed: deploy of checkout v1 to production\n- fine\n' }, true],
  ['an HTML page of a proxy', { body: '<html>allowed: all</html>' }, false],
  ['an empty response', { body: '' }, false],
  ['a refusal with status 200', { body: 'FROZEN: deploy of checkout\n- allowed: deploy\nallowed: x\n' }, false],
  ['an approval with status 423', { status: 423, body: 'allowed: deploy of checkout v1 to production\n' }, false],
  ['a redirect', { status: 302, headers: { location: 'https://login.example.com' } }, false],
] as [string, Reply, boolean][])('only an explicit approval counts: %s', async (_, reply, goesOn) => {
  const { url } = await vendor(reply);
  expect(await outcomes(url)).toEqual(each(goesOn));
});

test('a temporary failure is retried; a permanent failure and no response are no approval', async () => {
  const yes = { body: 'allowed: deploy of checkout v1 to production\n' };
  const fault = { status: 503, body: '{"detail": "busy"}' };
  // One failure for each script, then an approval.
  const passing = await vendor(fault, fault, fault, fault, yes);
  const staying = await vendor(fault);
  const [passed, stayed, away] = await Promise.all([
    outcomes(passing.url),
    outcomes(staying.url),
    nobody().then(outcomes),
  ]);
  expect({ passed, stayed, away }).toEqual({ passed: each(true), stayed: each(false), away: each(false) });
});
