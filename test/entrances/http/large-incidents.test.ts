import { afterAll, beforeAll, expect, test } from 'vitest';
import { PAGE_MAX_BYTES } from '../../../entrances/http/list-bytes.ts';
import {
  ALL_ANSWERED,
  bytesOf,
  type LargeIncident,
  readBesideAlerts,
  startWithLargeIncident,
} from '../../support/large-incident.ts';

let large: LargeIncident;
beforeAll(async () => {
  large = await startWithLargeIncident();
});
afterAll(() => large?.firebreak.remove());

test('texts of alerts are cut visibly', async () => {
  const { items } = (await large.firebreak.get(`${large.path}/signals?limit=1`)).body;
  const annotations: [string, string][] = items[0].annotations;
  expect(annotations.map(([name]) => name)).toEqual(expect.arrayContaining(['summary', 'description', 'hint']));
  for (const [name, text] of annotations) expect([name, text.endsWith('…')]).toEqual([name, name !== 'summary']);
  expect(bytesOf(annotations)).toBeLessThanOrEqual(8192);
});

test('the alerts of a large incident are all listed, in pages with a limit of bytes', async () => {
  const fingerprints = new Set<string>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = `limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { body } = await large.firebreak.get(`${large.path}/signals?${query}`);
    expect(bytesOf(body)).toBeLessThanOrEqual(PAGE_MAX_BYTES);
    for (const { fingerprint } of body.items) fingerprints.add(fingerprint);
    cursor = body.next_cursor;
  }
  expect(fingerprints.size).toBe(large.alerts);
});

test('four reads of its alerts at once, beside new alerts, are all answered', async () => {
  expect(await readBesideAlerts(large, `${large.path}/signals?limit=500`)).toEqual(ALL_ANSWERED);
});
