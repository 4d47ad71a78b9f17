import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group } from '../../support/alerts.ts';
import { Firebreak } from '../../support/firebreak.ts';
import { routed, seen } from '../../support/fixtures.ts';
import { at } from './support.ts';

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({ services: { checkout: { environments: { production: null } } } });
});
afterAll(() => firebreak?.remove());

const stray = (service: string, app: string, severity: string, more: object = {}): object => ({
  ...alert({
    labels: { service, app, severity, action: '' },
    fingerprint: service,
    annotations: { summary: `of ${service}` },
  }),
  ...more,
});

/** Returns what doctor says about alerts outside the catalogue, without the numbers of incidents. */
const listed = async (): Promise<string[]> =>
  (await at(firebreak, 'doctor')).out
    .split('\n')
    .flatMap((line) => /^warn {2}unmatched alert {2,}(.*?)(?: \(INC-\d+\))?$/.exec(line)?.[1] ?? [])
    .toSorted();

test('doctor lists alerts outside the present catalogue, until they ended long ago', async () => {
  const ended = { status: 'resolved', startsAt: '2026-01-01T00:00:00Z', endsAt: '2026-01-01T01:00:00Z' };
  const alerts = [
    stray('a', 'found', 'critical'),
    stray('b', 'found', 'info'),
    stray('c', 'other', 'critical'),
    stray('d', 'other', 'info'),
    stray('e', 'other', 'info', ended),
  ];
  await routed(firebreak, await firebreak.post('/v1/alerts/alertmanager', group(alerts)));
  const [a, b, c, d] = ['a: of a', 'of b: service b', 'c: of c', 'of d: service d'].map(
    (text) => `${text}, in production`,
  );
  expect(await listed()).toEqual([a, c, b, d]);

  await firebreak.write('services.yaml', 'services: { shop: { match: { app: found } } }\n');
  await seen(async () => (await listed()).length < 4, 'that some belong to shop');
  expect(await listed()).toEqual([c, d]);
});
