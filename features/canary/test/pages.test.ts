import { afterAll, beforeAll, expect, test } from 'vitest';
import { CanaryTable } from '../store.ts';
import type { CanaryRecord } from '../canary.ts';
import { type ServiceName, type Version } from '../../../schemas/config/names.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { acting } from '../../../test/workflows/play.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { canaryRecord, unsigned } from './canary-record.ts';
import { consoleWorld } from '../../../test/support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../../test/support/hostile.ts';

let stores: TableStores;
let canaries: CanaryTable;
let site: ReturnType<typeof consoleWorld>;
let running: CanaryRecord;
let cart: CanaryRecord;

beforeAll(async () => {
  stores = await openTable();
  site = consoleWorld(({ clock, deps }) => {
    canaries = new CanaryTable(stores.table, clock, { add: async () => undefined, read: async () => [] });
    return { features: { ...unsigned(deps), canary: { canaries } }, idempotency: stores.idempotency };
  });
  const at = site.world.clock.now();
  running = canaryRecord(1, plusSeconds(at, -900), {
    version: hostile<Version>('v2'),
    weight: 0,
    sequence: 0,
    checks: 0,
  });
  cart = canaryRecord(2, plusSeconds(at, -60), { service: 'cart' as ServiceName });
  for (const one of [running, cart])
    await canaries.begin(one, { at: one.started_at, kind: 'started', by: 'ada', weight: 0, text: hostile('Started') });
  const first = await read(running);
  await canaries.put(
    { ...first, weight: 5, sequence: 1, checks: 1, verdict: 'inconclusive' },
    {
      events: [{ at: plusSeconds(at, -600), kind: 'weight', by: null, weight: 5, text: 'v2 gets 5 % of the traffic' }],
      check: {
        at: plusSeconds(at, -300),
        weight: 5,
        verdict: 'inconclusive',
        reasons: [hostile('too few requests')],
        metrics: [
          {
            name: hostile('errors'),
            verdict: 'inconclusive',
            version: 0.02,
            baseline: 0.01,
            change: 2,
            p: 0.2,
            comparison: 'beside',
            reason: hostile('40 requests'),
          },
        ],
        samples: [],
      },
    },
  );
});
afterAll(() => stores?.close());

async function read({ id }: CanaryRecord): Promise<CanaryRecord> {
  const found = await canaries.get(id);
  if (found === undefined) throw new Error(`no canary ${id}`);
  return found;
}

const path = ({ id }: CanaryRecord): string => `/console/canaries/${id}`;
/** Returns the page without the scripts of its frame. */
const mainOf = (text: string): string => text.slice(text.indexOf('<main'), text.indexOf('</main>'));
const page = async (at: string, token = 'grace') => (await site.get(at, { token })).text();

test('lists the canaries that the viewer may read', async () => {
  const both = await page('/console/canaries');
  expectHarmless(mainOf(both), 1);
  expect(textOf(both)).toMatch(/cart production ?progressing.*checkout production ?progressing traffic 5 %/s);
  const mine = textOf(await page('/console/canaries', 'cora'));
  expect(mine).toContain('cart production');
  expect(mine).not.toContain('checkout');
  expect(textOf(await page('/console/canaries?service=cart', 'ada'))).not.toContain('checkout');
});

test('the first page shows the canaries in progress that the viewer may see', async () => {
  site.world.config = acting({ canary: { traffic: { kind: 'http' } } });
  const panelOf = async (token: string): Promise<string> =>
    /<section[^>]*id="canaries".*?<\/section>/s.exec(await page('/console', token))?.[0] ?? '';
  const all = await panelOf('ada');
  expectHarmless(all, 1);
  expect(textOf(all)).toMatch(/checkout production.*cart production|cart production.*checkout production/);
  const own = textOf(await panelOf('cora'));
  expect(own).toContain('cart production');
  expect(own).not.toContain('checkout');
  expect(await panelOf('ci')).toBe('');
});

test('shows the share over time, the newest metrics, and all checks', async () => {
  const shown = await page(path(running));
  expectHarmless(mainOf(shown), 4);
  const text = textOf(shown);
  expect(shown).toMatch(/Share of the traffic of .*: 4 samples between 0 % and 5 %/);
  expect(text).toMatch(/inconclusive ?0\.02 ?0\.01/);
  expect(text).toMatch(/Checks 1 .*5 % ?inconclusive/);
  expect((await site.get(path(running), { token: 'cora' })).status).toBe(403);
  for (const unknown of ['nothing', '01TEST00000000000000009999'])
    expect((await site.get(`/console/canaries/${unknown}`, { token: 'ada' })).status).toBe(404);
});

test.each([
  ['promote', 'promote', false],
  ['finish', 'promote', true],
  ['hold', 'hold', false],
  ['abort', 'abort', false],
] as const)('the form %s requests it, from those who may', async (action, kind, full) => {
  await canaries.put({ ...(await read(running)), command: null });
  expect(await page(path(running))).toContain(`${path(running)}/actions/${action}`);
  expect(await page(path(running), 'vera')).not.toContain('/actions/');
  const send = (token: string) => site.post(`${path(running)}/actions/${action}`, { reason: 'p95 is odd' }, { token });
  expect((await send('vera')).status).toBe(403);
  expect((await read(running)).command).toBeNull();
  expect((await send('grace')).status).toBeLessThan(400);
  expect((await read(running)).command).toMatchObject({ kind, full, reason: 'p95 is odd', by: 'grace' });
});

test('the form promote that is sent again after its command was executed gives no further share', async () => {
  const form_key = /name="form_key" value="(\w+)"/.exec(await page(path(running)))?.[1] ?? '';
  const send = async (action: string, fields: Record<string, string>) => {
    await canaries.put({ ...(await read(running)), command: null });
    const { status } = await site.post(`${path(running)}/actions/${action}`, fields, { token: 'grace' });
    return [status, (await read(running)).command?.kind];
  };
  expect(await send('promote', { form_key })).toEqual([303, 'promote']);
  expect(await send('promote', { form_key })).toEqual([303, undefined]);
  expect(await send('promote', { form_key: '0'.repeat(32) })).toEqual([303, 'promote']);
  for (const _ of [1, 2]) expect(await send('abort', { form_key })).toEqual([303, 'abort']);
});

test('a refusal is shown, and a canary that has ended has no forms', async () => {
  await canaries.put({ ...(await read(running)), command: null, status: 'held', degraded: true });
  const answer = await site.post(`${path(running)}/actions/promote`, {}, { token: 'grace' });
  expect(answer.status).toBe(409);
  expect(textOf(await answer.text())).toContain('was found worse than v1');
  const ended = { status: 'aborted', ended_at: site.world.clock.now(), weight: 0 } as const;
  await canaries.put({ ...(await read(running)), ...ended }, { release: true });
  expect(await page(path(running))).not.toContain('/actions/');
});
