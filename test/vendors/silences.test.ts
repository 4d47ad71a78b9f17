import { describe, expect, test } from 'vitest';
import { matches } from '../../core/domain/alerts/matchers.ts';
import type { Silences } from '../../core/domain/ports/silences.ts';
import { alertmanagerSilences } from '../../vendors/alertmanager/silences.ts';
import { silent } from '../support/fake-deps.ts';
import { impatient } from './time-limits.ts';
import { nobody, type Reply, vendor } from './server.ts';
import { recorded } from './vendor-responses.ts';

const THEN = Date.parse('2026-11-20T11:00:00.000Z');

/** Creates a silences client with a manual clock. */
function silencesAt(url: string | undefined): { silences: Silences; after(seconds: number): void } {
  let now = THEN;
  const silences = alertmanagerSilences({ url: async () => url, now: () => now, log: silent });
  return {
    silences,
    after: (seconds) => {
      now += seconds * 1000;
    },
  };
}

const REAL = recorded('alertmanager/silences');
const IDS = ['48f4a545-71cd-4a1b-aa2c-b2a62cfa2953'];
const ids = async (silences: Silences) => (await silences.active())?.map(({ id }) => id) ?? null;

describe('the silences', () => {
  test('that are active are returned unchanged', async () => {
    const { url, received } = await vendor(REAL);
    expect(await silencesAt(`${url}/`).silences.active()).toEqual([
      {
        id: IDS[0],
        matchers: [
          { name: 'service', value: 'check.*', isRegex: true, isEqual: true },
          { name: 'env', value: 'dev', isRegex: false, isEqual: false },
        ],
        startsAt: '2026-11-20T10:54:26.402Z',
        endsAt: '2026-11-20T11:54:26.000Z',
        createdBy: 'ana',
        comment: 'db upgrade <b>',
      },
    ]);
    expect(received).toMatchObject([
      { method: 'GET', path: '/api/v2/silences?active=true&pending=false&expired=false' },
    ]);
  });

  test('have usable matchers', async () => {
    const { url } = await vendor(REAL);
    const [silence] = (await silencesAt(url).silences.active()) ?? [];
    expect(matches(silence?.matchers ?? [], new Map([['service', 'checkout']]))).toBe(true);
    expect(matches(silence?.matchers ?? [], new Map([['service', 'checkout'], ['env', 'dev']]))).toBe(false); // prettier-ignore
  });

  test('are cached for two seconds', async () => {
    const { url, received } = await vendor(REAL, { body: '[]' });
    const { silences, after } = silencesAt(url);
    expect(await ids(silences)).toEqual(IDS);
    after(1.9);
    expect(await ids(silences)).toEqual(IDS);
    expect(received).toHaveLength(1);
    after(0.1);
    expect(await ids(silences)).toEqual([]);
    expect(received).toHaveLength(2);
  });

  test('are requested once for concurrent callers', async () => {
    const { url, received } = await vendor(REAL);
    const { silences } = silencesAt(url);
    await Promise.all([silences.active(), silences.active(), silences.active()]);
    expect(received).toHaveLength(1);
  });

  test('that have expired since the request are omitted', async () => {
    const endsAt = new Date(THEN + 10_000).toISOString();
    const { url } = await vendor({ body: REAL.body?.replaceAll('2026-11-20T11:54:26.000Z', endsAt) ?? '' });
    const { silences, after } = silencesAt(url);
    expect(await ids(silences)).toEqual(IDS);
    after(10);
    expect(await ids(silences)).toEqual([]);
  });

  test("that can't be parsed are omitted, and the others are returned", async () => {
    const all = JSON.parse(REAL.body ?? '') as object[];
    const strange = [null, {}, { ...all[0], id: 'x', matchers: [] }, { ...all[0], id: 'y', endsAt: 'never' }];
    const { url } = await vendor({ body: JSON.stringify([...strange, ...all]) });
    expect(await ids(silencesAt(url).silences)).toEqual(IDS);
  });

  test('from an Alertmanager without `isEqual` use equality', async () => {
    const { url } = await vendor({ body: REAL.body?.replaceAll(/"isEqual":(true|false),/g, '') ?? '' });
    const [silence] = (await silencesAt(url).silences.active()) ?? [];
    expect(silence?.matchers.map(({ isEqual }) => isEqual)).toEqual([true, true]);
  });
});

describe('the silences are unknown', () => {
  test.each<[string, Reply]>([
    ['500', { status: 500, body: '[]' }],
    ['401', { status: 401, body: '[]' }],
    ['302', { status: 302, headers: { location: '/' }, body: '[]' }],
    ['HTML', { body: '<html>' }],
    ['something else', { body: '{"status":"success","data":[]}' }],
    ['half an answer', { cut: 200 }],
  ])('if the response is %s', async (_, reply) => {
    const { url } = await vendor(reply);
    expect(await silencesAt(url).silences.active()).toBeNull();
  });

  test('after one second without a response, and are not requested again for ten seconds', async () => {
    const limits = impatient();
    const { url, received } = await vendor('hang', REAL);
    const { silences, after } = silencesAt(url);
    expect(await ids(silences)).toBeNull();
    expect(limits).toEqual([1000]);
    after(9.9);
    expect(await ids(silences)).toBeNull();
    expect(received).toHaveLength(1);
    after(0.1);
    expect(await ids(silences)).toEqual(IDS);
  });

  test('without a listener at the address or without an address', async () => {
    expect(await silencesAt(await nobody()).silences.active()).toBeNull();
    expect(await silencesAt(undefined).silences.active()).toBeNull();
    expect(await silencesAt('no address').silences.active()).toBeNull();
  });

  test("while the address can't be read: alerts are processed without them, and a warning is logged", async () => {
    const { url } = await vendor(REAL);
    let now = THEN;
    const answers = [Promise.reject(new Error('no secrets')), Promise.resolve(url)];
    const warnings: unknown[] = [];
    const log = { warn: (...line: unknown[]) => void warnings.push(line) };
    const silences = alertmanagerSilences({ url: async () => answers.shift(), now: () => now, log });
    expect(await silences.active()).toBeNull();
    expect(warnings).toEqual([[expect.stringContaining('Silences could not be read'), { error: 'Error: no secrets' }]]);
    now += 10_000;
    expect(await ids(silences)).toEqual(IDS);
  });
});
