import { expect, test } from 'vitest';
import { fingerprintOf } from '../../../schemas/alerts/sources/fingerprint.ts';
import { sources } from '../../../schemas/alerts/sources/index.ts';
import { fixture } from '../../support/fixtures.ts';

const RECORDED = [
  'firing-critical-auto-rollback',
  'group-mixed-firing-resolved',
  'group-three-firing',
  'storm-50-one-group',
  'unicode',
].flatMap((name) => fixture(`alertmanager/${name}`).flatMap(({ body }) => JSON.parse(body).alerts as any[]));

test('the fingerprint of labels is the one that Alertmanager sends', () => {
  for (const { labels, fingerprint } of RECORDED)
    expect(fingerprintOf(new Map(Object.entries(labels)))).toBe(fingerprint);
});

test('a label without a value does not change it, and no labels have one', () => {
  expect(fingerprintOf(new Map([['a', '']]))).toBe(fingerprintOf(new Map()));
  expect(fingerprintOf(new Map())).toBe('cbf29ce484222325');
});

test.each([undefined, null, ''])('an alert with the fingerprint %j has that of its labels', (missing) => {
  const alerts = RECORDED.map((alert) => ({ ...alert, fingerprint: missing }));
  const result = sources.get('alertmanager')?.parse(JSON.stringify({ version: '4', alerts }), () => 0);
  expect(result).toMatchObject({
    parsed: { unreadable: [], alerts: RECORDED.map(({ fingerprint }) => ({ fingerprint })) },
  });
});
